/** Everything the server counts, by cause. Plain numbers that only grow, read by whoever exports them. */
export interface SipServerStats {
  requestsReceived: number;
  responsesReceived: number;
  requestsSent: number;
  responsesSent: number;
  /** Octets that are no SIP message at all: dropped. */
  garbageDropped: number;
  /** Above the largest size of a message: dropped, and the connection closed. */
  oversizeDropped: number;
  /** Responses that could not be read: dropped. */
  badResponsesDropped: number;
  /** Requests that were refused before the application saw them, by status class. */
  refusedMalformed: number;
  refusedUnsupported: number;
  refusedNoTransaction: number;
  refusedOverload: number;
  refusedNoApplication: number;
  refusedMerged: number;
  refusedGlare: number;
  refusedOutOfOrder: number;
  /** Requests seen again, absorbed by their transaction. */
  retransmissionsAbsorbed: number;
  /** Messages we had to send again. */
  retransmissionsSent: number;
  /** Responses that match no client transaction, ACKs that match no dialog: dropped. */
  strayResponsesDropped: number;
  strayAcksDropped: number;
  keepAlives: number;
  sendFailures: number;
  clientTimeouts: number;
  ackTimeouts: number;
  prackTimeouts: number;
  /** The application left a request without a final answer. */
  unansweredByApplication: number;
  /** The other branch of a fork answered too: acknowledged and hung up. */
  extraForksHungUp: number;
  dialogsCreated: number;
  dialogsEnded: number;
  /** TCP connections that were closed for a cause. */
  connectionsRefused: number;
  connectionsStalled: number;
  connectionsUnframed: number;
  /** TLS connections of either direction that never came to be: version, certificate, time. */
  tlsHandshakesFailed: number;
  adminFramesRefused: number;
  adminLoginsRefused: number;
  adminClientsTooSlow: number;
}

export function createStats(): SipServerStats {
  return {
    requestsReceived: 0,
    responsesReceived: 0,
    requestsSent: 0,
    responsesSent: 0,
    garbageDropped: 0,
    oversizeDropped: 0,
    badResponsesDropped: 0,
    refusedMalformed: 0,
    refusedUnsupported: 0,
    refusedNoTransaction: 0,
    refusedOverload: 0,
    refusedNoApplication: 0,
    refusedMerged: 0,
    refusedGlare: 0,
    refusedOutOfOrder: 0,
    retransmissionsAbsorbed: 0,
    retransmissionsSent: 0,
    strayResponsesDropped: 0,
    strayAcksDropped: 0,
    keepAlives: 0,
    sendFailures: 0,
    clientTimeouts: 0,
    ackTimeouts: 0,
    prackTimeouts: 0,
    unansweredByApplication: 0,
    extraForksHungUp: 0,
    dialogsCreated: 0,
    dialogsEnded: 0,
    connectionsRefused: 0,
    connectionsStalled: 0,
    connectionsUnframed: 0,
    tlsHandshakesFailed: 0,
    adminFramesRefused: 0,
    adminLoginsRefused: 0,
    adminClientsTooSlow: 0,
  };
}
