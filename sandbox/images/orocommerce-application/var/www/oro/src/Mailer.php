<?php

declare(strict_types=1);

namespace Standin;

/** Sends plain text by SMTP without encryption, which is what the mail sink speaks. */
final class Mailer
{
    private const TIMEOUT_SECONDS = 5;

    /** @var resource */
    private $stream;

    private function __construct(private readonly string $host, private readonly int $port)
    {
    }

    public static function fromEnvironment(): self
    {
        $dsn = Environment::get('ORO_MAILER_DSN', 'smtp://mail:1025');
        $parts = parse_url($dsn);
        if (!isset($parts['host']) || ($parts['scheme'] ?? '') !== 'smtp') {
            throw new Failure('ORO_MAILER_DSN is not of the form smtp://HOST:PORT');
        }

        return new self($parts['host'], $parts['port'] ?? 25);
    }

    public function send(string $to, string $subject, string $text): void
    {
        $at = "$this->host:$this->port";
        $stream = @stream_socket_client("tcp://$at", $code, $message, self::TIMEOUT_SECONDS);
        if ($stream === false) {
            throw new Failure("no connection to the mail server at $at: $message");
        }
        $this->stream = $stream;
        stream_set_timeout($stream, self::TIMEOUT_SECONDS);
        $from = 'noreply@' . Environment::get('ORO_APP_DOMAIN', 'oro.demo');
        $this->expect(220);
        $this->say('EHLO ' . gethostname(), 250);
        $this->say("MAIL FROM:<$from>", 250);
        $this->say("RCPT TO:<$to>", 250);
        $this->say('DATA', 354);
        $body = preg_replace('/^\./m', '..', str_replace("\n", "\r\n", $text));
        $this->say("From: $from\r\nTo: $to\r\nSubject: $subject\r\nDate: " . gmdate('r')
            . "\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n$body\r\n.", 250);
        $this->say('QUIT', 221);
        fclose($stream);
    }

    private function say(string $line, int $expected): void
    {
        fwrite($this->stream, "$line\r\n");
        $this->expect($expected);
    }

    private function expect(int $expected): void
    {
        do {
            $line = fgets($this->stream);
            if ($line === false) {
                throw new Failure("the mail server at $this->host:$this->port went silent");
            }
        } while (($line[3] ?? '') === '-');
        if ((int) $line !== $expected) {
            throw new Failure('the mail server answered: ' . trim($line));
        }
    }
}
