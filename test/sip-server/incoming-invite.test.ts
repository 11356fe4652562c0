import type { Bench } from './test-peer';
import { answer, command, createBench, requestText, sent } from './test-peer';

let bench: Bench;

beforeEach(() => {
  bench = createBench();
});

/** An INVITE of the peer's, as the application got it. */
function receiveInvite(headers: string[] = []): string {
  bench.peer.send(requestText('INVITE', { headers, body: 'v=0\r\n' }));
  bench.clock.advance(20);
  return bench.app.requests.at(-1)!.transactionId;
}

/** An INVITE that the application has answered; the tag we gave. */
function acceptInvite(): { toTag: string; dialogId: string } {
  const id = receiveInvite();
  const { dialogId } = sent(bench.stack.agent.respond(bench.app, id, answer(200, [], 'v=0\r\n')));
  bench.clock.advance(10);
  return { toTag: tagOf(bench.peer.last('response').headers.first('To')), dialogId: dialogId! };
}

function acknowledge(toTag: string, cseq = 1): void {
  bench.peer.send(requestText('ACK', { branch: `z9hG4bK-ack-${cseq}`, toTag, cseq }));
  bench.clock.advance(10);
}

function establish(): { toTag: string; dialogId: string } {
  const dialog = acceptInvite();
  acknowledge(dialog.toTag);
  return dialog;
}

function tagOf(value: string | undefined): string {
  return /;tag=([^;]+)/.exec(value ?? '')?.[1] ?? '';
}

test('100 Trying goes out at once, before the application has said anything', () => {
  receiveInvite();

  expect(bench.peer.seen).toEqual([100]);
  expect(bench.peer.last('response').headers.first('To')).not.toContain('tag=');
});

test('an INVITE sent again is absorbed', () => {
  receiveInvite();
  receiveInvite();

  expect(bench.app.requests).toHaveLength(1);
  expect(bench.stats.retransmissionsAbsorbed).toBe(1);
});

test('the 2xx is repeated after 0.5, 1, 2, 4, 4 ... s until its ACK comes, which the application gets once', () => {
  const { toTag } = acceptInvite();
  bench.clock.advance(16_000);

  acknowledge(toTag);
  acknowledge(toTag);
  bench.clock.advance(60_000);

  expect(bench.peer.intervalsMs(200)).toEqual([500, 1_000, 2_000, 4_000, 4_000, 4_000]);
  expect(bench.app.acks).toHaveLength(1);
  expect(bench.app.acks[0]?.transactionId).toBe(bench.app.requests[0]?.transactionId);
  expect(bench.stats.strayAcksDropped).toBe(1);
  expect(bench.clock.pendingTimers).toBe(0);
});

test('a 2xx without ACK for 32 s ends in a BYE that says why, and the application is told', () => {
  const { dialogId } = acceptInvite();

  bench.clock.advance(31_980);
  expect(bench.app.ended).toEqual([]);
  bench.clock.advance(30);

  expect(bench.app.ended[0]?.dialogId).toBe(dialogId);
  expect(bench.peer.request('BYE').headers.first('Reason')).toBe('SIP;cause=200;text="ACK timeout"');
  expect(bench.stats.ackTimeouts).toBe(1);
});

test('the BYE for a missing ACK goes back where the INVITE came from, not to the name in its Contact', () => {
  const id = receiveInvite(['Contact: <sip:alice@unknown.example.com>']);
  sent(bench.stack.agent.respond(bench.app, id, answer(200, [], 'v=0\r\n')));

  bench.clock.advance(32_100);

  expect(bench.peer.request('BYE').uri).toBe('sip:alice@unknown.example.com');
});

test('after the BYE for a missing ACK nothing is sent any more once the peer has answered', () => {
  acceptInvite();
  bench.clock.advance(32_100);
  const bye = bench.peer.request('BYE');
  bench.peer.send(
    `SIP/2.0 200 OK\r\nVia: ${bye.headers.first('Via')}\r\nFrom: ${bye.headers.first('From')}\r\n` +
      `To: ${bye.headers.first('To')}\r\nCall-ID: call-1\r\nCSeq: ${bye.headers.first('CSeq')}\r\nContent-Length: 0\r\n\r\n`,
  );

  bench.clock.advance(10);
  const count = bench.peer.received.length;
  bench.clock.advance(100_000);

  expect(bench.peer.received).toHaveLength(count);
  expect(bench.clock.pendingTimers).toBe(0);
});

test('a BYE of the application waits for the ACK', () => {
  const { toTag, dialogId } = acceptInvite();
  const outcomes: unknown[] = [];

  bench.stack.agent.sender.requestInDialog(bench.app, dialogId, command('BYE'), (result) => outcomes.push(result));
  bench.clock.advance(100);
  expect(bench.peer.seen).not.toContain('BYE');
  acknowledge(toTag);
  bench.clock.advance(20);

  expect(bench.peer.seen.at(-1)).toBe('BYE');
  expect(outcomes).toHaveLength(1);
});

test('a BYE of the application that waited for an ACK in vain goes out instead of our own', () => {
  const { dialogId } = acceptInvite();
  bench.stack.agent.sender.requestInDialog(
    bench.app,
    dialogId,
    command('BYE', '', [['X-Own', 'yes']]),
    () => undefined,
  );

  bench.clock.advance(32_100);

  expect(bench.peer.request('BYE').headers.first('X-Own')).toBe('yes');
  expect(bench.app.ended).toEqual([]);
});

test('a CANCEL gets its 200, the INVITE its 487 with the same tag, and a late answer is refused', () => {
  const id = receiveInvite();
  bench.stack.agent.respond(bench.app, id, answer(180));

  bench.peer.send(requestText('CANCEL', { branch: 'z9hG4bK-INVITE-1' }));
  bench.clock.advance(20);

  const responses = bench.peer.received.filter((message) => message.kind === 'response').slice(-2);
  expect(responses.map(({ status }) => status)).toEqual([200, 487]);
  expect(new Set(responses.map(({ headers }) => tagOf(headers.first('To')))).size).toBe(1);
  expect(bench.app.cancels.map(({ transactionId }) => transactionId)).toEqual([id]);
  expect(bench.stack.agent.respond(bench.app, id, answer(200))).toEqual({
    refused: 'Response not sent due to unknown transaction',
  });
  expect(bench.stack.dialogs.size).toBe(0);
});

test('a CANCEL that matches nothing gets 481', () => {
  bench.peer.send(requestText('CANCEL', { branch: 'z9hG4bK-other' }));
  bench.clock.advance(20);

  expect(bench.peer.seen).toEqual([481]);
});

test('a caller that cancelled too late and does not hang up by itself is hung up 5 s after its ACK', () => {
  const { toTag } = acceptInvite();
  bench.peer.send(requestText('CANCEL', { branch: 'z9hG4bK-INVITE-1' }));
  bench.clock.advance(20);
  expect(bench.peer.seen.at(-1)).toBe(200);
  expect(bench.app.cancels).toEqual([]);

  acknowledge(toTag);
  bench.clock.advance(4_990);
  expect(bench.peer.seen).not.toContain('BYE');
  bench.clock.advance(20);

  expect(bench.peer.request('BYE').headers.first('Reason')).toContain('CANCEL after 200 OK');
  expect(bench.app.ended).toHaveLength(1);
});

test('a caller that cancelled too late and hangs up itself gets no BYE of ours', () => {
  const { toTag } = acceptInvite();
  bench.peer.send(requestText('CANCEL', { branch: 'z9hG4bK-INVITE-1' }));
  acknowledge(toTag);

  bench.peer.send(requestText('BYE', { toTag, cseq: 2 }));
  bench.clock.advance(30_000);

  expect(bench.peer.seen).not.toContain('BYE');
});

test('an application that says nothing for a minute is answered for with 408', () => {
  receiveInvite();

  bench.clock.advance(59_900);
  expect(bench.peer.seen).toEqual([100]);
  bench.clock.advance(200);

  expect(bench.peer.seen[1]).toBe(408);
  expect(bench.stats.unansweredByApplication).toBe(1);
});

test('a phone may ring for three minutes', () => {
  const id = receiveInvite();
  bench.stack.agent.respond(bench.app, id, answer(180));

  bench.clock.advance(179_900);
  expect(bench.peer.seen).toEqual([100, 180]);
  bench.clock.advance(200);

  expect(bench.peer.seen[2]).toBe(408);
});

test('a BYE instead of a CANCEL ends the INVITE with 487', () => {
  const id = receiveInvite();
  bench.stack.agent.respond(bench.app, id, answer(180));
  bench.clock.advance(10);
  const toTag = tagOf(bench.peer.last('response').headers.first('To'));

  bench.peer.send(requestText('BYE', { toTag, cseq: 2 }));
  bench.clock.advance(20);

  expect(bench.peer.seen).toContain(487);
  expect(bench.app.cancels).toHaveLength(1);
  expect(bench.app.requests.at(-1)?.arrival.message.method).toBe('BYE');
});

test('the Contact and Record-Route of a 2xx are there without the application saying so', () => {
  receiveInvite(['Record-Route: <sip:127.0.0.9;lr>']);
  bench.stack.agent.respond(bench.app, bench.app.requests[0]!.transactionId, answer(200, [['x', 'y']]));
  bench.clock.advance(10);

  const { headers } = bench.peer.last('response');
  expect(headers.first('Contact')).toBe('<sip:127.0.0.1:5060>');
  expect(headers.all('Record-Route')).toEqual(['<sip:127.0.0.9;lr>']);
});

test('the application may choose the To tag, and cannot set what is ours', () => {
  const id = receiveInvite();
  const forged: [string, string][] = [
    ['to', '<sip:bob@127.0.0.1>;tag=mine'],
    ['via', 'SIP/2.0/UDP evil'],
    ['call-id', 'other'],
    ['x-note', 'kept'],
  ];

  bench.stack.agent.respond(bench.app, id, answer(200, forged));
  bench.clock.advance(10);

  const { headers } = bench.peer.last('response');
  expect(tagOf(headers.first('To'))).toBe('mine');
  expect(headers.all('Via')).toHaveLength(1);
  expect(headers.first('Call-ID')).toBe('call-1');
  expect([...headers].map(({ name }) => name)).toContain('X-Note');
});

test('a body that is no SDP needs a Content-Type', () => {
  const id = receiveInvite();

  expect(bench.stack.agent.respond(bench.app, id, answer(200, [], 'hello'))).toEqual({
    refused: 'missing content-type',
  });
});

describe('in a dialog', () => {
  test('a re-INVITE is delivered with the dialog, its ACK with an id of its own', () => {
    const { toTag, dialogId } = establish();

    bench.peer.send(requestText('INVITE', { branch: 'z9hG4bK-re', toTag, cseq: 2 }));
    bench.clock.advance(20);
    const { transactionId } = bench.app.requests.at(-1)!;
    bench.stack.agent.respond(bench.app, transactionId, answer(200));
    bench.clock.advance(10);
    acknowledge(toTag, 2);

    expect(bench.app.requests.at(-1)?.dialogId).toBe(dialogId);
    expect(bench.app.acks).toHaveLength(2);
    expect(bench.app.acks[1]?.dialogId).toBe(dialogId);
    expect(bench.app.acks[1]?.transactionId).not.toBe(transactionId);
  });

  test('a re-INVITE moves later requests to its Contact', () => {
    const { toTag, dialogId } = establish();
    const moved = bench.network.open('udp', '127.0.0.3', 5070);
    const methods: string[] = [];
    moved.listener = { onMessage: (bytes) => (methods.push(bytes.toString('latin1').split('\r\n')[0]!), 'keep') };

    const headers = ['Contact: <sip:alice@127.0.0.3:5070>'];
    bench.peer.send(requestText('INVITE', { branch: 'z9hG4bK-re', toTag, cseq: 2, headers }));
    bench.clock.advance(20);
    bench.stack.agent.respond(bench.app, bench.app.requests.at(-1)!.transactionId, answer(200));
    acknowledge(toTag, 2);
    bench.clock.advance(20);
    bench.stack.agent.sender.requestInDialog(bench.app, dialogId, command('BYE'), () => undefined);
    bench.clock.advance(20);

    expect(methods).toEqual(['BYE sip:alice@127.0.0.3:5070 SIP/2.0']);
  });

  test('a re-INVITE while one of ours is pending gets 491', () => {
    const { toTag, dialogId } = establish();
    bench.stack.agent.sender.requestInDialog(bench.app, dialogId, command('INVITE'), () => undefined);

    bench.peer.send(requestText('INVITE', { branch: 'z9hG4bK-re', toTag, cseq: 2 }));
    bench.clock.advance(20);

    expect(bench.peer.seen).toContain(491);
    expect(bench.stats.refusedGlare).toBe(1);
  });

  test('a second re-INVITE before the first is answered gets 500 with Retry-After', () => {
    const { toTag } = establish();
    bench.peer.send(requestText('INVITE', { branch: 'z9hG4bK-re2', toTag, cseq: 2 }));
    bench.clock.advance(20);

    bench.peer.send(requestText('INVITE', { branch: 'z9hG4bK-re3', toTag, cseq: 3 }));
    bench.clock.advance(20);

    const response = bench.peer.last('response');
    expect(response.status).toBe(500);
    expect(Number(response.headers.first('Retry-After'))).toBeLessThanOrEqual(10);
  });

  test('a re-INVITE of the application waits until the one of the peer has settled', () => {
    const { toTag, dialogId } = establish();
    bench.peer.send(requestText('INVITE', { branch: 'z9hG4bK-re', toTag, cseq: 2 }));
    bench.clock.advance(20);

    bench.stack.agent.sender.requestInDialog(bench.app, dialogId, command('INVITE'), () => undefined);
    bench.stack.agent.respond(bench.app, bench.app.requests.at(-1)!.transactionId, answer(200));
    bench.clock.advance(20);
    expect(bench.peer.seen).not.toContain('INVITE');
    acknowledge(toTag, 2);
    bench.clock.advance(20);

    expect(bench.peer.seen).toContain('INVITE');
  });

  test('a request with a lower CSeq than the last is refused with 500', () => {
    const { toTag } = establish();
    bench.peer.send(requestText('INFO', { branch: 'z9hG4bK-a', toTag, cseq: 5 }));
    bench.peer.send(requestText('INFO', { branch: 'z9hG4bK-b', toTag, cseq: 4 }));
    bench.clock.advance(20);

    expect(bench.app.requests.map(({ arrival }) => arrival.message.method)).toEqual(['INVITE', 'INFO']);
    expect(bench.peer.seen.at(-1)).toBe(500);
    expect(bench.stats.refusedOutOfOrder).toBe(1);
  });

  test('a BYE ends the dialog at once, and what follows in it gets 481', () => {
    const { toTag } = establish();
    bench.peer.send(requestText('BYE', { toTag, cseq: 2 }));
    bench.clock.advance(20);
    bench.stack.agent.respond(bench.app, bench.app.requests.at(-1)!.transactionId, answer(200));

    bench.peer.send(requestText('INFO', { toTag, cseq: 3 }));
    bench.clock.advance(20);

    expect(bench.peer.seen.slice(-2)).toEqual([200, 481]);
    expect(bench.stack.dialogs.size).toBe(0);
  });

  test('a BYE sent again gets the same answer again', () => {
    const { toTag } = establish();
    bench.peer.send(requestText('BYE', { toTag, cseq: 2 }));
    bench.clock.advance(20);
    bench.stack.agent.respond(bench.app, bench.app.requests.at(-1)!.transactionId, answer(200));

    bench.peer.send(requestText('BYE', { toTag, cseq: 2 }));
    bench.clock.advance(20);

    expect(bench.peer.seen.slice(-2)).toEqual([200, 200]);
    expect(bench.app.requests.filter(({ arrival }) => arrival.message.method === 'BYE')).toHaveLength(1);
  });
});

describe('reliable provisional responses', () => {
  const ringing = (): ReturnType<typeof answer> => answer(180, [['Require', '100rel']]);

  function prack(toTag: string, rack: string, cseq = 2): void {
    bench.peer.send(requestText('PRACK', { branch: `z9hG4bK-prack-${cseq}`, toTag, cseq, headers: [`RAck: ${rack}`] }));
    bench.clock.advance(20);
  }

  test('are repeated until their PRACK, which the application answers', () => {
    const id = receiveInvite(['Supported: 100rel']);
    sent(bench.stack.agent.respond(bench.app, id, ringing()));
    bench.clock.advance(2_000);
    const { headers } = bench.peer.last('response');

    prack(tagOf(headers.first('To')), `${headers.first('RSeq')} 1 INVITE`);
    bench.clock.advance(10_000);

    expect(bench.peer.intervalsMs(180)).toEqual([500, 1_000]);
    expect(bench.app.requests.at(-1)?.arrival.message.method).toBe('PRACK');
  });

  test('are refused when the peer does not know them', () => {
    const id = receiveInvite();

    expect(bench.stack.agent.respond(bench.app, id, ringing())).toEqual({
      refused: 'Remote endpoint does not support 100rel',
    });
  });

  test('a PRACK for another response gets 481', () => {
    const id = receiveInvite(['Supported: 100rel']);
    sent(bench.stack.agent.respond(bench.app, id, ringing()));
    bench.clock.advance(10);

    prack(tagOf(bench.peer.last('response').headers.first('To')), '1 1 INVITE');

    expect(bench.peer.seen.at(-1)).toBe(481);
  });

  test('a second one waits for the PRACK of the first', () => {
    const id = receiveInvite(['Supported: 100rel']);
    sent(bench.stack.agent.respond(bench.app, id, ringing()));
    sent(bench.stack.agent.respond(bench.app, id, answer(183, [['Require', '100rel']])));
    bench.clock.advance(10);
    const { headers } = bench.peer.last('response');
    expect(bench.peer.seen).not.toContain(183);

    prack(tagOf(headers.first('To')), `${headers.first('RSeq')} 1 INVITE`);

    expect(bench.peer.seen).toContain(183);
    expect(Number(bench.peer.last('response').headers.first('RSeq'))).toBe(Number(headers.first('RSeq')) + 1);
  });

  test('without a PRACK for 32 s the INVITE is refused with 504', () => {
    const id = receiveInvite(['Supported: 100rel']);
    sent(bench.stack.agent.respond(bench.app, id, ringing()));

    bench.clock.advance(32_100);

    expect(bench.peer.seen).toContain(504);
    expect(bench.stats.prackTimeouts).toBe(1);
  });
});
