import type { EndReason } from '../../src/call/end-reason';
import { blameFor, endOfTalk, sipStatusFor } from '../../src/call/end-reason';

const cases: [EndReason, string, number | undefined][] = [
  [{ kind: 'caller-hung-up', how: { kind: 'bye', reason: undefined } }, 'nobody', undefined],
  [{ kind: 'caller-hung-up', how: { kind: 'lost', reason: 'ACK timeout' } }, 'caller', undefined],
  [{ kind: 'caller-hung-up', how: { kind: 'server-gone' } }, 'upstream', undefined],
  [{ kind: 'no-route' }, 'caller', 404],
  [{ kind: 'rejected-by-plan', status: 603 }, 'nobody', 603],
  [{ kind: 'bad-offer', status: 488, message: '' }, 'caller', 488],
  [{ kind: 'model-unavailable', message: '', status: 480 }, 'upstream', 480],
  [{ kind: 'no-media-port', message: '' }, 'us', 503],
  [{ kind: 'draining' }, 'nobody', 503],
  [{ kind: 'worker-lost', message: '' }, 'us', 503],
  [{ kind: 'media-failed', failure: { kind: 'media-timeout', silentMs: 30_000 } }, 'caller', 500],
  [{ kind: 'internal-error', message: '' }, 'us', 500],
];

describe('end reasons', () => {
  test.each(cases)('%j is blamed on %s and answered with %s', (reason, blame, status) => {
    expect(blameFor(reason)).toBe(blame);
    expect(sipStatusFor(reason)).toBe(status);
  });

  test('media that broke under a talk is told as such, and a phone that fell silent as gone', () => {
    const broken = { kind: 'media-error', message: 'the connection to the channel broke' } as const;
    expect(endOfTalk('sales', broken)).toEqual({ kind: 'media-failed', failure: broken });
    const ended = { kind: 'transfer-ended', destination: 'sales' };
    expect(endOfTalk('sales', { kind: 'media-timeout', silentMs: 15_000 })).toEqual(ended);
    expect(endOfTalk('sales', undefined)).toEqual(ended);
  });
});
