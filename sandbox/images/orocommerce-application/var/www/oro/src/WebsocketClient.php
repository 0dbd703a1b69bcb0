<?php

declare(strict_types=1);

namespace Standin;

/** One connection: first an HTTP request that asks for the upgrade, then frames. */
final class WebsocketClient
{
    public const NORMAL = 1000;
    public const GOING_AWAY = 1001;
    private const PROTOCOL_ERROR = 1002;
    private const TOO_BIG = 1009;

    private const TEXT = 1;
    private const BINARY = 2;
    private const CLOSE = 8;
    private const PING = 9;
    private const PONG = 10;

    private const MAX_MESSAGE_BYTES = 1 << 20;
    private const MAX_REQUEST_BYTES = 16 << 10;
    /** Set by RFC 6455, section 1.3. */
    private const KEY_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

    private string $buffer = '';
    private string $message = '';
    private bool $inMessage = false;
    private bool $talking = false;
    private bool $open = true;
    private readonly float $since;

    /** @param resource $stream */
    public function __construct(public readonly mixed $stream)
    {
        stream_set_blocking($stream, false);
        $this->since = microtime(true);
    }

    public function isOpen(): bool
    {
        return $this->open;
    }

    /** Whether the handshake is done. */
    public function isTalking(): bool
    {
        return $this->open && $this->talking;
    }

    public function age(): float
    {
        return microtime(true) - $this->since;
    }

    /** @return list<string> the messages that are complete now */
    public function receive(): array
    {
        $chunk = @fread($this->stream, 65536);
        if ($chunk === false || $chunk === '') {
            $this->hangUp();

            return [];
        }
        $this->buffer .= $chunk;
        if (!$this->talking && !$this->shakeHands()) {
            return [];
        }
        $messages = [];
        while ($this->open && ($message = $this->nextFrame()) !== false) {
            if ($message !== null) {
                $messages[] = $message;
            }
        }

        return $messages;
    }

    public function send(string $text): void
    {
        $this->frame(self::TEXT, $text);
    }

    public function close(int $code): void
    {
        if ($this->isTalking()) {
            $this->frame(self::CLOSE, pack('n', $code));
        }
        $this->hangUp();
    }

    private function hangUp(): void
    {
        if ($this->open) {
            $this->open = false;
            fclose($this->stream);
        }
    }

    private function shakeHands(): bool
    {
        $end = strpos($this->buffer, "\r\n\r\n");
        if ($end === false) {
            if (strlen($this->buffer) > self::MAX_REQUEST_BYTES) {
                $this->refuse('431 Request Header Fields Too Large');
            }

            return false;
        }
        $lines = explode("\r\n", substr($this->buffer, 0, $end));
        $this->buffer = substr($this->buffer, $end + 4);
        $headers = [];
        foreach (array_slice($lines, 1) as $line) {
            [$name, $value] = explode(':', $line, 2) + [1 => ''];
            $headers[strtolower(trim($name))] = trim($value);
        }
        if (strcasecmp($headers['upgrade'] ?? '', 'websocket') !== 0) {
            $this->refuse('426 Upgrade Required', "Upgrade: websocket\r\n");

            return false;
        }
        $key = $headers['sec-websocket-key'] ?? '';
        if (!str_starts_with($lines[0], 'GET ') || strlen((string) base64_decode($key, true)) !== 16) {
            $this->refuse('400 Bad Request');

            return false;
        }
        if (($headers['sec-websocket-version'] ?? '') !== '13') {
            $this->refuse('426 Upgrade Required', "Sec-WebSocket-Version: 13\r\n");

            return false;
        }
        $accept = base64_encode(sha1($key . self::KEY_SUFFIX, true));
        $this->write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            . "Sec-WebSocket-Accept: $accept\r\n\r\n");
        $this->talking = $this->open;

        return $this->talking;
    }

    private function refuse(string $status, string $headers = ''): void
    {
        $this->write("HTTP/1.1 $status\r\n{$headers}Connection: close\r\nContent-Length: 0\r\n\r\n");
        $this->hangUp();
    }

    /** A message, null after a frame that completes none, false if no whole frame is there. */
    private function nextFrame(): string|null|false
    {
        if (strlen($this->buffer) < 2) {
            return false;
        }
        $first = ord($this->buffer[0]);
        $second = ord($this->buffer[1]);
        $final = ($first & 0x80) !== 0;
        $opcode = $first & 0x0F;
        $length = $second & 0x7F;
        $offset = 2;
        if ($length >= 126) {
            $size = $length === 126 ? 2 : 8;
            if (strlen($this->buffer) < $offset + $size) {
                return false;
            }
            $length = unpack($size === 2 ? 'n' : 'J', $this->buffer, $offset)[1];
            $offset += $size;
        }
        if ($length < 0 || $length + strlen($this->message) > self::MAX_MESSAGE_BYTES) {
            $this->close(self::TOO_BIG);

            return false;
        }
        // Clients must mask; reserved bits need an extension that was not agreed.
        if (($second & 0x80) === 0 || ($first & 0x70) !== 0 || ($opcode >= self::CLOSE && (!$final || $length > 125))) {
            $this->close(self::PROTOCOL_ERROR);

            return false;
        }
        if (strlen($this->buffer) < $offset + 4 + $length) {
            return false;
        }
        $mask = substr($this->buffer, $offset, 4);
        $payload = substr($this->buffer, $offset + 4, $length);
        $this->buffer = substr($this->buffer, $offset + 4 + $length);
        if ($length > 0) {
            $payload ^= substr(str_repeat($mask, intdiv($length, 4) + 1), 0, $length);
        }

        return $this->take($opcode, $final, $payload);
    }

    private function take(int $opcode, bool $final, string $payload): ?string
    {
        switch ($opcode) {
            case self::PING:
                $this->frame(self::PONG, $payload);

                return null;
            case self::PONG:
                return null;
            case self::CLOSE:
                $this->frame(self::CLOSE, substr($payload, 0, 2));
                $this->hangUp();

                return null;
            case 0:
            case self::TEXT:
            case self::BINARY:
                if (($opcode === 0) !== $this->inMessage) {
                    $this->close(self::PROTOCOL_ERROR);

                    return null;
                }
                $this->message .= $payload;
                $this->inMessage = !$final;
                if (!$final) {
                    return null;
                }
                $message = $this->message;
                $this->message = '';

                return $message;
            default:
                $this->close(self::PROTOCOL_ERROR);

                return null;
        }
    }

    private function frame(int $opcode, string $payload): void
    {
        $length = strlen($payload);
        $header = chr(0x80 | $opcode) . match (true) {
            $length < 126 => chr($length),
            $length < 65536 => chr(126) . pack('n', $length),
            default => chr(127) . pack('J', $length),
        };
        $this->write($header . $payload);
    }

    /** A client that does not take its data is let go rather than waited for. */
    private function write(string $data): void
    {
        while ($this->open && $data !== '') {
            $written = @fwrite($this->stream, $data);
            if ($written === false || $written === 0) {
                $read = $except = null;
                $write = [$this->stream];
                if ($written === false || !@stream_select($read, $write, $except, 1)) {
                    $this->hangUp();
                }
                continue;
            }
            $data = substr($data, $written);
        }
    }
}
