/** What bounds the server's memory. Everything above a bound is refused and counted, never queued. */
export interface Limits {
  /** Server transactions alive at once, a new request above it gets 503. */
  readonly serverTransactions: number;
  /** Client transactions alive at once. */
  readonly clientTransactions: number;
  /** Calls and INVITEs that may become one. */
  readonly dialogs: number;
  /** Subscriptions and SUBSCRIBEs that may become one, so that they take no room of calls. */
  readonly subscriptions: number;
  /** A subscription must be refreshed in this time. */
  readonly subscriptionSeconds: number;
  /** SIP connections over TCP, all together and per remote address. */
  readonly connections: number;
  readonly connectionsPerAddress: number;
  /** Of them, those accepted on which no whole message has come yet; the oldest makes room for a new one. */
  readonly silentConnections: number;
  /** A peer that begins a message on a stream must finish it in this time. */
  readonly messageTimeMs: number;
  /** Applications connected to the admin port. */
  readonly adminClients: number;
}

export const defaultLimits: Limits = {
  serverTransactions: 20_000,
  clientTransactions: 20_000,
  dialogs: 5_000,
  subscriptions: 1_000,
  subscriptionSeconds: 3_600,
  connections: 1_000,
  connectionsPerAddress: 20,
  silentConnections: 100,
  messageTimeMs: 4_500,
  adminClients: 64,
};
