/** How a connection ended. */
export interface ConnectionClosed {
  /** WebSocket close code (RFC 6455 section 7.4.1); 1006 when there was no close frame. */
  code: number;
  reason: string;
  /** Status of the HTTP answer when the upgrade was refused before a WebSocket existed; then `code` is 1006. */
  httpStatus?: number;
}

/** Called synchronously, in order; must not throw. */
export interface ModelConnectionListener {
  onOpen(): void;
  /** One text message, not yet parsed: it comes from a stranger. */
  onMessage(text: string): void;
  /** Told exactly once for every connection, also when it never opened. */
  onClose(closed: ConnectionClosed): void;
}

/**
 * An ordered stream of JSON text messages to something that speaks the Realtime protocol: a WebSocket, or in memory a
 * simulator session on a virtual clock.
 */
export interface ModelConnection {
  /** Sends one message; silently dropped and counted when the connection is not open. */
  send(text: string): void;
  /** Octets that were accepted but not yet handed to the network. */
  readonly bufferedBytes: number;
  /** Starts the closing handshake and gives up after a bounded time. Twice is fine. */
  close(): void;
}

/** Where to connect and as whom. */
export interface ModelEndpoint {
  /** `ws:` or `wss:` URL without the query that the session adds (`model=...`). */
  url: string;
  model: string;
  /** Undefined for the simulator. Never logged. */
  apiKey: string | undefined;
  /** Further headers of the upgrade, such as `OpenAI-Safety-Identifier`. */
  headers: Readonly<Record<string, string>>;
}

/**
 * Opens a connection. It never throws: failures come as `onClose`. The listener hears nothing before this has returned.
 */
export type ConnectModel = (endpoint: ModelEndpoint, listener: ModelConnectionListener) => ModelConnection;
