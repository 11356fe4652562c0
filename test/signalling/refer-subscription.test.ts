import type { ReferProgress } from '../../src/signalling/caller-leg';
import { ReferSubscription } from '../../src/signalling/refer-subscription';
import type { SrfRequest } from '../../src/signalling/srf';

function notify(body: string, { state = 'active;expires=60', event = 'refer' } = {}): SrfRequest {
  const headers: Record<string, string> = { Event: event, 'Subscription-State': state };
  return { body, get: (name: string) => headers[name] } as unknown as SrfRequest;
}

function response(status: number, cseq = '2 REFER') {
  return { status, get: (name: string) => (name === 'CSeq' ? cseq : undefined) };
}

describe('a REFER of ours', () => {
  let told: ReferProgress[];
  let subscription: ReferSubscription;

  function answered(request: SrfRequest): number | undefined {
    let answer: number | undefined;
    subscription.onNotify(request, (status) => (answer = status));
    return answer;
  }

  beforeEach(() => {
    told = [];
    subscription = new ReferSubscription((progress) => told.push(progress));
  });

  test('is followed from the 202 to the final status', () => {
    subscription.onResponse(response(202));
    expect(answered(notify('SIP/2.0 100 Trying\r\n'))).toBe(200);
    expect(answered(notify('SIP/2.0 180 Ringing'))).toBe(200);
    expect(answered(notify('SIP/2.0 200 OK\r\n', { state: 'terminated;reason=noresource' }))).toBe(200);
    expect(told).toEqual([
      { kind: 'accepted' },
      { kind: 'status', status: 100 },
      { kind: 'status', status: 180 },
      { kind: 'status', status: 200 },
    ]);
  });

  test('answers the last NOTIFY before it tells, as the dialog may end with it', () => {
    const order: string[] = [];
    subscription = new ReferSubscription(() => order.push('told'));
    subscription.onNotify(notify('SIP/2.0 200 OK'), () => order.push('answered'));
    expect(order).toEqual(['answered', 'told']);
  });

  test('takes a NOTIFY that overtakes the 202', () => {
    expect(answered(notify('SIP/2.0 100 Trying'))).toBe(200);
    subscription.onResponse(response(202));
    expect(told).toEqual([{ kind: 'status', status: 100 }, { kind: 'accepted' }]);
  });

  test('tells nothing after its end', () => {
    subscription.onResponse(response(202));
    answered(notify('SIP/2.0 486 Busy Here', { state: 'terminated' }));
    expect(answered(notify('SIP/2.0 200 OK'))).toBe(200);
    expect(told).toEqual([{ kind: 'accepted' }, { kind: 'status', status: 486 }]);
  });

  test('that is refused is told with its status', () => {
    subscription.onResponse(response(405));
    expect(told).toEqual([{ kind: 'refused', status: 405 }]);
  });

  test('that ends without a final status says so', () => {
    subscription.onResponse(response(202));
    answered(notify('SIP/2.0 180 Ringing', { state: 'Terminated;reason=timeout' }));
    expect(told).toEqual([{ kind: 'accepted' }, { kind: 'ended' }]);
  });

  test('leaves NOTIFYs of other REFERs and other events alone', () => {
    subscription.onResponse(response(202, '7 REFER'));
    expect(answered(notify('SIP/2.0 200 OK', { event: 'refer;id=3' }))).toBe(200);
    expect(answered(notify('SIP/2.0 200 OK', { event: 'presence' }))).toBe(489);
    expect(answered(notify('hello'))).toBe(400);
    expect(answered(notify('SIP/2.0 180 Ringing', { event: 'Refer;ID=7' }))).toBe(200);
    expect(told).toEqual([{ kind: 'accepted' }, { kind: 'status', status: 180 }]);
  });
});
