import type { CallSnapshot } from '../../src/call/call-observer';

/** A call that was answered and has ended, with every figure known. */
export function endedCall(change: Partial<CallSnapshot> = {}): CallSnapshot {
  const startedAtMs = Date.UTC(2026, 0, 5, 9, 0, 0);
  return {
    callId: 'call-1',
    sipCallId: 'abc@192.0.2.1',
    to: '+33123456789',
    from: '+33698765432',
    trunk: undefined,
    route: 'main',
    agent: 'reception',
    planHash: '0123456789ab',
    splits: [{ route: 'trial', percent: 20, point: 63.5 }],
    model: 'simulator:receptionist',
    modelKind: 'simulator',
    state: 'ended',
    startedAtMs,
    answeredAtMs: startedAtMs + 400,
    firstAudioAtMs: startedAtMs + 650,
    endedAtMs: startedAtMs + 60_400,
    signallingLostAtMs: undefined,
    endReason: { kind: 'caller-hung-up', how: { kind: 'bye', reason: undefined } },
    blame: 'nobody',
    interruptions: 2,
    tokens: {
      inputTokens: 30,
      outputTokens: 70,
      inputTextTokens: 10,
      inputAudioTokens: 20,
      inputImageTokens: 0,
      cachedTokens: 0,
      cachedTextTokens: 0,
      cachedAudioTokens: 0,
      cachedImageTokens: 0,
      outputTextTokens: 30,
      outputAudioTokens: 40,
    },
    modelConnectMs: 180,
    media: {
      codec: 'PCMU/8000',
      packetsReceived: 3_000,
      packetsSent: 3_001,
      packetsLost: 3,
      packetsReordered: 1,
      packetsDuplicate: 0,
      packetsLate: 0,
      framesConcealed: 3,
      framesSilenced: 0,
      framesSkipped: 0,
      dropped: { 'foreign-source': 5 },
      digits: 1,
      jitterMs: 0.4,
      remoteJitterMs: undefined,
      remoteLostPackets: undefined,
      roundTripMs: undefined,
    },
    ...change,
  };
}

/** One that was refused before it was answered. */
export function refusedCall(change: Partial<CallSnapshot> = {}): CallSnapshot {
  return endedCall({
    route: undefined,
    agent: undefined,
    splits: [],
    model: undefined,
    modelKind: undefined,
    answeredAtMs: undefined,
    firstAudioAtMs: undefined,
    modelConnectMs: undefined,
    media: undefined,
    endReason: { kind: 'no-route' },
    blame: 'caller',
    interruptions: 0,
    ...change,
  });
}
