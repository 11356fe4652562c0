import type { SipServer } from '../../src/sip-server/server';
import type { TransportName } from '../../src/sip-server/transport';
import type { LateOffer, SrfApp, SrfDialog, SrfMessage, SrfRequest, SrfResponse } from '../sip-server/srf-app';
import {
  addressOf,
  connectSrf,
  disconnect,
  next,
  sdpOf,
  settable,
  startTestServer,
  uriOf,
} from '../sip-server/srf-app';

jest.setTimeout(60_000);

/** Alice calls Bob: two servers, an application on each. */
let aliceServer: SipServer;
let bobServer: SipServer;
let alice: SrfApp;
let bob: SrfApp;
/** Bob's side of each answered call, as it is answered. */
let bobAnswers: (req: SrfRequest, res: SrfResponse) => unknown;
let bobDialog: { promise: Promise<SrfDialog>; settle: (dialog: SrfDialog) => void };

beforeEach(async () => {
  bobDialog = settable();
  bobAnswers = async (req, res) => bobDialog.settle(await bob.createUAS(req, res, { localSdp: sdpOf(2) }));
  aliceServer = await startTestServer();
  bobServer = await startTestServer();
  alice = await connectSrf(aliceServer);
  bob = await connectSrf(bobServer, (app) => {
    app.invite((req, res) => bobAnswers(req, res));
    app.options((_req, res) => res.send(200, { headers: { Allow: 'INVITE' } }));
  });
});

afterEach(async () => {
  disconnect(alice);
  disconnect(bob);
  await Promise.all([aliceServer.close(), bobServer.close()]);
});

async function establish(transport: TransportName): Promise<[SrfDialog, SrfDialog]> {
  const atAlice = await alice.createUAC(uriOf(bobServer, transport), { localSdp: sdpOf(1) });
  return [atAlice, await bobDialog.promise];
}

describe.each<TransportName>(['udp', 'tcp'])('over %s', (transport) => {
  test('an offer and its answer reach the other side unchanged', async () => {
    const [atAlice, atBob] = await establish(transport);

    expect(atAlice.remote.sdp).toBe(sdpOf(2));
    expect(atBob.remote.sdp).toBe(sdpOf(1));
    expect(atAlice.sip).toEqual({
      callId: atBob.sip.callId,
      localTag: atBob.sip.remoteTag,
      remoteTag: atBob.sip.localTag,
    });
  });

  test('the caller hangs up', async () => {
    const [atAlice, atBob] = await establish(transport);
    const ended = next<[SrfMessage]>(atBob, 'destroy');

    await atAlice.destroy({ headers: { Reason: 'Q.850;cause=16' } });

    const [bye] = await ended;
    expect(bye.get('Reason')).toBe('Q.850;cause=16');
    expect(aliceServer.stats.dialogsEnded).toBe(1);
    expect(bobServer.stats.dialogsEnded).toBe(1);
  });

  test('the called side hangs up', async () => {
    const [atAlice, atBob] = await establish(transport);
    const ended = next(atAlice, 'destroy');

    await atBob.destroy();

    await ended;
    expect(aliceServer.stats.dialogsEnded).toBe(1);
    expect(bobServer.stats.dialogsEnded).toBe(1);
  });

  test('a re-INVITE of the caller is offered to the called side and answered', async () => {
    const [atAlice, atBob] = await establish(transport);
    atBob.on('modify', (req: SrfRequest, res: SrfResponse) => res.send(200, { body: sdpOf(4) }));

    const answer = await atAlice.modify(sdpOf(3));

    expect(answer).toBe(sdpOf(4));
    expect(atBob.remote.sdp).toBe(sdpOf(3));
  });

  test('a re-INVITE of the called side is acknowledged', async () => {
    const [atAlice, atBob] = await establish(transport);
    const acknowledged = next(atAlice, 'ack');
    atAlice.on('modify', (_req: SrfRequest, res: SrfResponse) => res.send(200, { body: sdpOf(6) }));

    const answer = await atBob.modify(sdpOf(5));

    expect(answer).toBe(sdpOf(6));
    await acknowledged;
  });

  test('INFO carries a body both ways and gets the answer of the other side', async () => {
    const [atAlice, atBob] = await establish(transport);
    const info = {
      method: 'INFO',
      headers: { 'Content-Type': 'application/dtmf-relay' },
      body: 'Signal=5\r\nDuration=160\r\n',
    };
    const bodies: string[] = [];
    for (const dialog of [atAlice, atBob]) {
      dialog.on('info', (req: SrfRequest, res: SrfResponse) => {
        bodies.push(req.body);
        res.send(dialog === atAlice ? 488 : 200);
      });
    }

    const toBob = await atAlice.request(info);
    const toAlice = await atBob.request(info);

    expect([toBob.status, toAlice.status]).toEqual([200, 488]);
    expect(bodies).toEqual([info.body, info.body]);
  });

  test('REFER and its NOTIFYs share the dialog of the call', async () => {
    const [atAlice, atBob] = await establish(transport);
    const notified = next<[SrfRequest, SrfResponse]>(atAlice, 'notify');
    atBob.on('refer', (req: SrfRequest, res: SrfResponse) => {
      res.send(202);
      void atBob.request({
        method: 'NOTIFY',
        headers: {
          Event: 'refer',
          'Subscription-State': 'terminated;reason=noresource',
          'Content-Type': 'message/sipfrag',
        },
        body: `SIP/2.0 200 ${req.get('Refer-To')}`,
      });
    });

    const accepted = await atAlice.request({ method: 'REFER', headers: { 'Refer-To': '<sip:carol@example.com>' } });
    const [notify, response] = await notified;
    response.send(200);

    expect(accepted.status).toBe(202);
    expect(notify.body).toBe('SIP/2.0 200 <sip:carol@example.com>');
    expect(atAlice.connected).toBe(true);
  });

  test('a late offer comes in the 200 and its answer in the ACK', async () => {
    const late = (await alice.createUAC(uriOf(bobServer, transport), { noAck: true })) as unknown as LateOffer;
    const atBob = await bobDialog.promise;
    const acknowledged = next<[SrfRequest]>(atBob, 'ack');

    const atAlice = await late.ack(sdpOf(9));

    const [ack] = await acknowledged;
    expect(late.sdp).toBe(sdpOf(2));
    expect(ack.body).toBe(sdpOf(9));
    await atAlice.destroy();
  });

  test('a CANCEL of the caller ends the ringing and the INVITE', async () => {
    const cancelled = settable<undefined>();
    bobAnswers = (req, res) => {
      req.on('cancel', () => cancelled.settle(undefined));
      res.send(180);
    };
    let request: SrfRequest | undefined;
    const call = alice.createUAC(
      uriOf(bobServer, transport),
      { localSdp: sdpOf(1) },
      {
        cbRequest: (_error: unknown, sent: SrfRequest) => {
          request = sent;
        },
        cbProvisional: () => request?.cancel(),
      },
    );

    await expect(call).rejects.toMatchObject({ status: 487 });
    await cancelled.promise;
  });

  test('a refusal reaches the caller with its status and headers', async () => {
    bobAnswers = (_req, res) => res.send(486, { headers: { 'X-Why': 'in a meeting', 'retry-after': '60' } });

    const call = alice.createUAC(uriOf(bobServer, transport), { localSdp: sdpOf(1) });

    const error = await call.then(
      () => undefined,
      (cause: unknown) => cause as { status: number; res: SrfMessage },
    );
    expect(error?.status).toBe(486);
    expect(error?.res.get('X-Why')).toBe('in a meeting');
    expect(error?.res.get('Retry-After')).toBe('60');
  });

  test('OPTIONS outside a call gets the answer of the application', async () => {
    const request = await alice.request(uriOf(bobServer, transport), { method: 'OPTIONS' });
    const [response] = await next<[SrfResponse]>(request, 'response');

    expect(response.status).toBe(200);
    expect(response.get('Allow')).toBe('INVITE');
  });
});

test('a method that no application wants is refused with 405 and what is wanted', async () => {
  const request = await alice.request(uriOf(bobServer), {
    method: 'MESSAGE',
    headers: { 'Content-Type': 'text/plain' },
    body: 'hello',
  });
  const [response] = await next<[SrfResponse]>(request, 'response');

  expect([response.status, response.get('Allow')]).toEqual([405, 'INVITE, OPTIONS, ACK, CANCEL, BYE, PRACK, UPDATE']);
});

test('an application that disconnects takes its calls with it', async () => {
  const [atAlice] = await establish('udp');
  const ended = next<[SrfMessage, string]>(atAlice, 'destroy');

  disconnect(bob);

  const [bye] = await ended;
  expect(bye.get('Reason')).toContain('application disconnected');
});

test('an application that disconnects leaves no caller ringing', async () => {
  bobAnswers = (_req, res) => {
    res.send(180);
    disconnect(bob);
  };

  await expect(alice.createUAC(uriOf(bobServer), { localSdp: sdpOf(1) })).rejects.toMatchObject({ status: 503 });
});

test('closing a server hangs up its calls', async () => {
  const [atAlice] = await establish('udp');
  const ended = next(atAlice, 'destroy');

  await bobServer.close();

  await ended;
});

test('a call to a name that does not resolve fails with 503', async () => {
  const server = await startTestServer({ resolve: () => Promise.reject(new Error('no such host')) });
  const carol = await connectSrf(server);

  await expect(carol.createUAC('sip:bob@nowhere.invalid', { localSdp: sdpOf(1) })).rejects.toMatchObject({
    status: 503,
  });

  disconnect(carol);
  await server.close();
});

test('a call over TCP to a port where nobody listens fails with 503 at once', async () => {
  const free = await startTestServer();
  const uri = uriOf(free, 'tcp');
  await free.close();

  await expect(alice.createUAC(uri, { localSdp: sdpOf(1) })).rejects.toMatchObject({ status: 503 });
});

test('a name is resolved once and the call goes where it points', async () => {
  const asked: string[] = [];
  const server = await startTestServer({
    resolve: (host) => {
      asked.push(host);
      return Promise.resolve(['127.0.0.1']);
    },
  });
  const carol = await connectSrf(server);
  const port = addressOf(bobServer).split(':')[1] ?? '';

  const dialog = await carol.createUAC(`sip:bob@pbx.example.com:${port}`, { localSdp: sdpOf(1) });
  await dialog.destroy();

  expect(asked).toEqual(['pbx.example.com']);
  disconnect(carol);
  await server.close();
});

test('localhost in Contact and From becomes the address the server is reached at', async () => {
  const seen = settable<SrfRequest>();
  bobAnswers = (req, res) => {
    seen.settle(req);
    res.send(486);
  };

  await alice
    .createUAC(uriOf(bobServer), { localSdp: sdpOf(1), callingNumber: '4711', callingName: 'Alice' })
    .catch(() => undefined);

  const invite = await seen.promise;
  expect(invite.get('Contact')).toBe(`"Alice" <sip:4711@${addressOf(aliceServer)}>`);
  expect(invite.get('From')).toContain(`"Alice" <sip:4711@${addressOf(aliceServer)}>;tag=`);
  expect(invite.receivedOn).toBe(addressOf(bobServer));
});
