<?php

declare(strict_types=1);

namespace Standin;

/**
 * A WebSocket server (RFC 6455): echoes what a client says and tells everyone the
 * time once a second. One process, one loop.
 */
final class WebsocketServer
{
    private const TICK_SECONDS = 1.0;
    /** A client that has not finished its handshake by then is let go. */
    private const HANDSHAKE_SECONDS = 10.0;

    private bool $stopping = false;
    /** @var array<int, WebsocketClient> */
    private array $clients = [];

    public function __construct(private readonly string $address)
    {
    }

    public static function fromEnvironment(): self
    {
        $dsn = Environment::get('ORO_WEBSOCKET_SERVER_DSN', '//0.0.0.0:8080');
        $parts = parse_url($dsn);
        if (!isset($parts['host'])) {
            throw new Failure("ORO_WEBSOCKET_SERVER_DSN `$dsn` names no address; expected //0.0.0.0:8080");
        }

        return new self($parts['host'] . ':' . ($parts['port'] ?? 8080));
    }

    public function run(): void
    {
        pcntl_async_signals(true);
        foreach ([SIGTERM, SIGINT] as $signal) {
            pcntl_signal($signal, function (): void {
                $this->stopping = true;
            });
        }
        $server = @stream_socket_server("tcp://$this->address", $code, $message);
        if ($server === false) {
            throw new Failure("cannot listen on $this->address: $message");
        }
        echo "websocket server listens on $this->address\n";
        $nextTick = microtime(true) + self::TICK_SECONDS;
        while (!$this->stopping) {
            $this->wait($server, max(0.0, $nextTick - microtime(true)));
            if (microtime(true) >= $nextTick) {
                $this->tick();
                $nextTick = microtime(true) + self::TICK_SECONDS;
            }
        }
        foreach ($this->clients as $client) {
            $client->close(WebsocketClient::GOING_AWAY);
        }
        echo "stopped on request\n";
    }

    /** @param resource $server */
    private function wait($server, float $seconds): void
    {
        $read = [$server];
        foreach ($this->clients as $client) {
            $read[] = $client->stream;
        }
        $write = $except = null;
        // A signal interrupts select with a warning; the loop then sees the flag.
        if (!@stream_select($read, $write, $except, 0, (int) ($seconds * 1_000_000))) {
            return;
        }
        foreach ($read as $stream) {
            if ($stream === $server) {
                $accepted = @stream_socket_accept($server, 0);
                if ($accepted !== false) {
                    $this->clients[(int) $accepted] = new WebsocketClient($accepted);
                }
                continue;
            }
            $client = $this->clients[(int) $stream] ?? null;
            foreach ($client?->receive() ?? [] as $text) {
                $client->send((string) json_encode(['type' => 'echo', 'text' => $text], JSON_INVALID_UTF8_SUBSTITUTE));
            }
            if ($client !== null && !$client->isOpen()) {
                unset($this->clients[(int) $stream]);
            }
        }
    }

    private function tick(): void
    {
        $text = (string) json_encode(['type' => 'time', 'time' => gmdate('c'), 'server' => gethostname()]);
        foreach ($this->clients as $id => $client) {
            if ($client->isTalking()) {
                $client->send($text);
            } elseif ($client->age() > self::HANDSHAKE_SECONDS) {
                $client->close(WebsocketClient::GOING_AWAY);
            }
            if (!$client->isOpen()) {
                unset($this->clients[$id]);
            }
        }
    }
}
