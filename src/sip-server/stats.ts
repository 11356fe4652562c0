/** Everything the server counts, by cause. Plain numbers that only grow, read by whoever exports them. */
export interface SipServerStats {
  requestsReceived: number;
  responsesReceived: number;
  requestsSent: number;
  responsesSent: number;
  /** Octets that are no SIP message at all: dropped. */
  garbageDropped: number;
  /** Above the largest size of a message and no request, which would get 513: dropped, and the connection closed. */
  oversizeDropped: number;
  /** Responses that could not be read: dropped. */
  badResponsesDropped: number;
  /** Messages of sources that are banned, too fast or flood us with rubbish: dropped unread. */
  bannedDropped: number;
  messageFloodDropped: number;
  malformedFloodDropped: number;
  /** Requests of known scanners: dropped without an answer. */
  scannersDropped: number;
  /** One source asked for many users, and none was there for it. */
  enumerationsNoticed: number;
  sourcesBanned: number;
  /** Sources and bans that had to be forgotten, as there are more than may be remembered. */
  sourcesForgotten: number;
  bansForgotten: number;
  /** Requests that were refused before the application saw them: 400, 414 and 513, 505, 501, 405, 416, 420, 415, 406. */
  refusedMalformed: number;
  refusedVersion: number;
  refusedUnknownMethod: number;
  refusedMethod: number;
  refusedScheme: number;
  refusedExtension: number;
  refusedContent: number;
  refusedUnacceptable: number;
  /** 503, as their source sends more than it may. */
  refusedTooFast: number;
  /** 481, 503 for us being full, 503 for no application being there, 482, 491 or 500, 500. */
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
  /** 401 and 407 that asked for credentials. */
  challengesSent: number;
  /** 401 and 407 to requests of ours that we answered with credentials of a trunk, or passed on to the application. */
  challengesAnswered: number;
  challengesUnanswered: number;
  credentialsAccepted: number;
  credentialsRefused: number;
  /** Credentials for a challenge that was too old, of another address or answered before. */
  credentialsStale: number;
  /** Addresses that sent wrong credentials too often. */
  addressesBlocked: number;
  /** 403: no trunk, and no user could be it. */
  accessForbidden: number;
  registrationsAccepted: number;
  registrationsRefused: number;
  /** Contacts that had to go because their user has more than may be. */
  registrationsReplaced: number;
  /** REGISTERs of our own. */
  registersAccepted: number;
  registersFailed: number;
  keepAlives: number;
  sendFailures: number;
  /** Requests of ours that were not sent, as too many wait for their answers. */
  requestsRefusedOverload: number;
  clientTimeouts: number;
  ackTimeouts: number;
  prackTimeouts: number;
  /** The application left a request without a final answer. */
  unansweredByApplication: number;
  /** Sessions that nobody refreshed in time (RFC 4028): hung up. */
  sessionsExpired: number;
  /** Requests for a session timer with too small an interval: 422. */
  refusedSessionInterval: number;
  /** Subscriptions that nobody refreshed or ended in time (RFC 6665), and SUBSCRIBEs above their limit: 503. */
  subscriptionsExpired: number;
  refusedSubscriptions: number;
  /** The other branch of a fork answered too: acknowledged and hung up. */
  extraForksHungUp: number;
  /** Answers to one INVITE by more parties than we keep apart: no dialog was made. */
  forksRefused: number;
  dialogsCreated: number;
  dialogsEnded: number;
  /** TCP connections that were closed for a cause; refused are those above the limits, in either direction. */
  connectionsRefused: number;
  connectionsStalled: number;
  /** No message had come on them when too many others waited, too. */
  connectionsSilent: number;
  bannedConnections: number;
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
    bannedDropped: 0,
    messageFloodDropped: 0,
    malformedFloodDropped: 0,
    scannersDropped: 0,
    enumerationsNoticed: 0,
    sourcesBanned: 0,
    sourcesForgotten: 0,
    bansForgotten: 0,
    refusedMalformed: 0,
    refusedVersion: 0,
    refusedUnknownMethod: 0,
    refusedMethod: 0,
    refusedScheme: 0,
    refusedExtension: 0,
    refusedContent: 0,
    refusedUnacceptable: 0,
    refusedTooFast: 0,
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
    challengesSent: 0,
    challengesAnswered: 0,
    challengesUnanswered: 0,
    credentialsAccepted: 0,
    credentialsRefused: 0,
    credentialsStale: 0,
    addressesBlocked: 0,
    accessForbidden: 0,
    registrationsAccepted: 0,
    registrationsRefused: 0,
    registrationsReplaced: 0,
    registersAccepted: 0,
    registersFailed: 0,
    keepAlives: 0,
    sendFailures: 0,
    requestsRefusedOverload: 0,
    clientTimeouts: 0,
    ackTimeouts: 0,
    prackTimeouts: 0,
    unansweredByApplication: 0,
    sessionsExpired: 0,
    refusedSessionInterval: 0,
    subscriptionsExpired: 0,
    refusedSubscriptions: 0,
    extraForksHungUp: 0,
    forksRefused: 0,
    dialogsCreated: 0,
    dialogsEnded: 0,
    connectionsRefused: 0,
    connectionsStalled: 0,
    connectionsSilent: 0,
    bannedConnections: 0,
    connectionsUnframed: 0,
    tlsHandshakesFailed: 0,
    adminFramesRefused: 0,
    adminLoginsRefused: 0,
    adminClientsTooSlow: 0,
  };
}
