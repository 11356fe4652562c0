import { VirtualClock } from '../../src/runtime/virtual-clock';
import { defaultAccessLimits } from '../../src/sip-server/access-policy';
import type { ReplyOptions } from '../../src/sip-server/compose-response';
import { readEssentials } from '../../src/sip-server/essentials';
import { parseMessage } from '../../src/sip-server/parse-message';
import { Registrar } from '../../src/sip-server/registrar';
import { createStats } from '../../src/sip-server/stats';
import type { SipRequest } from '../../src/sip-server/sip-message';
import type { Arrival } from '../../src/sip-server/transport-layer';
import type { Flow, TransportName } from '../../src/sip-server/transport';
import { MemoryNetwork } from './memory-network';
import { requestText } from './test-peer';

interface RegisterParts {
  contacts?: string[];
  expires?: number;
  callId?: string;
  cseq?: number;
  from?: Partial<Pick<Flow, 'remoteAddress' | 'remotePort' | 'connectionId'>> & { transport?: TransportName };
}

/** The phone's private address, and the one its NAT gives it. */
const contact = '<sip:alice@10.0.0.5:5062>';
const natAddress = '198.51.100.7';

function createRegistrar(changes: Partial<typeof defaultAccessLimits> = {}) {
  const clock = new VirtualClock();
  const network = new MemoryNetwork(clock, { delayMs: 0 });
  const stats = createStats();
  const registrar = new Registrar({ clock, stats, limits: { ...defaultAccessLimits, ...changes } });
  let lastCseq = 0;
  const register = (parts: RegisterParts = {}): ReplyOptions & { contacts: string[] } => {
    lastCseq += 1;
    const { contacts = [contact], expires, callId = 'phone', cseq = lastCseq, from = {} } = parts;
    const { transport = 'udp', ...at } = from;
    const flow: Flow = {
      transport: network.open(transport, '203.0.113.1', 5060),
      remoteAddress: natAddress,
      remotePort: 40_000,
      ...at,
    };
    const headers = [
      ...contacts.map((value) => `Contact: ${value}`),
      ...(contacts.length === 0 ? ['X-Contact: none'] : []),
      ...(expires === undefined ? [] : [`Expires: ${expires}`]),
    ];
    const reply = registrar.register(arrivalOf({ headers, callId, cseq }, flow), 'alice');
    return { ...reply, contacts: (reply.headers ?? []).map(([, value]) => value) };
  };
  const uris = (): string[] => registrar.bindings('alice').map(({ uri }) => uri);
  return { clock, stats, registrar, register, uris };
}

function arrivalOf(parts: { headers: string[]; callId: string; cseq: number }, flow: Flow): Arrival<SipRequest> {
  const text = requestText('REGISTER', parts).replace('Contact: <sip:alice@127.0.0.2:5060>\r\n', '');
  const message = parseMessage(Buffer.from(text, 'latin1'));
  if (message.kind !== 'request') throw new Error(`no request: ${message.kind}`);
  const essentials = readEssentials(message);
  if (typeof essentials === 'string') throw new Error(essentials);
  return { message, essentials, flow, bytes: text.length };
}

test('a contact is kept for as long as was asked for, and listed with what remains', () => {
  const { clock, register, uris } = createRegistrar();

  expect(register({ expires: 120 })).toMatchObject({
    status: 200,
    contacts: ['<sip:alice@10.0.0.5:5062>;expires=120'],
  });
  clock.advance(60_500);
  expect(register({ contacts: [] }).contacts).toEqual(['<sip:alice@10.0.0.5:5062>;expires=60']);
  clock.advance(59_500);

  expect(uris()).toEqual([]);
  expect(register({ contacts: [] }).contacts).toEqual([]);
});

test.each<[string, RegisterParts, string]>([
  ['the contact says more than Expires', { contacts: [`${contact};expires=90`], expires: 600 }, '90'],
  ['nothing is said', {}, '3600'],
  ['too much is asked', { expires: 100_000 }, '7200'],
  ['what is said is no number', { contacts: [`${contact};expires=soon`] }, '3600'],
])('when %s a contact lasts %s s', (_what, parts, seconds) => {
  expect(createRegistrar().register(parts).contacts).toEqual([`${contact};expires=${seconds}`]);
});

test('less than the least is refused with the least, and changes nothing', () => {
  const { register, uris } = createRegistrar();

  const reply = register({ contacts: [`${contact};expires=59`, '<sip:alice@10.0.0.6>;expires=600'] });

  expect(reply).toMatchObject({ status: 423, headers: [['Min-Expires', '60']] });
  expect(uris()).toEqual([]);
});

test('a user may be reached at several contacts, the latest first', () => {
  const { register, uris } = createRegistrar();
  register({ callId: 'desk' });
  register({ contacts: ['<sip:alice@10.0.0.6>'], callId: 'mobile' });

  expect(uris()).toEqual(['sip:alice@10.0.0.6', 'sip:alice@10.0.0.5:5062']);
  register({ callId: 'desk' });
  expect(uris()).toEqual(['sip:alice@10.0.0.5:5062', 'sip:alice@10.0.0.6']);
});

test('a contact is removed with an expiry of 0, all of them with a star', () => {
  const { register, uris } = createRegistrar();
  register();
  register({ contacts: ['<sip:alice@10.0.0.6>'] });

  register({ contacts: [`${contact};expires=0`] });
  expect(uris()).toEqual(['sip:alice@10.0.0.6']);
  register({ contacts: ['*'], expires: 0 });

  expect(uris()).toEqual([]);
});

test.each<[string, RegisterParts]>([
  ['a star that is to stay', { contacts: ['*'], expires: 60 }],
  ['a star among others', { contacts: ['*', contact], expires: 0 }],
  ['a telephone number', { contacts: ['<tel:+33123456789>'] }],
  ['no URI', { contacts: ['alice'] }],
  ['a URI of 600 octets', { contacts: [`<sip:${'a'.repeat(600)}@10.0.0.5>`] }],
])('%s is no contact', (_what, parts) => {
  const { register, uris } = createRegistrar();

  expect(register(parts).status).toBe(400);
  expect(uris()).toEqual([]);
});

test('a REGISTER that was overtaken by a later one of the same phone changes nothing', () => {
  const { register, uris } = createRegistrar();
  register({ cseq: 7 });

  expect(register({ cseq: 6, expires: 0 }).status).toBe(400);
  expect(register({ cseq: 6, contacts: ['*'], expires: 0 }).status).toBe(400);

  expect(uris()).toEqual(['sip:alice@10.0.0.5:5062']);
});

test('a phone that comes back by another way takes the place of itself', () => {
  const { register, uris } = createRegistrar();
  const instance = ';+sip.instance="<urn:uuid:1>";reg-id=1';
  register({ contacts: [`${contact}${instance}`] });

  const reply = register({ contacts: [`<sip:alice@10.9.9.9:1234>${instance}`], callId: 'other' });

  expect(uris()).toEqual(['sip:alice@10.9.9.9:1234']);
  expect(reply.contacts).toEqual([`<sip:alice@10.9.9.9:1234>${instance};expires=3600`]);
});

test('above the limit the contact that was registered longest ago has to go', () => {
  const { register, uris, stats } = createRegistrar({ contactsPerUser: 2 });

  for (const host of ['10.0.0.1', '10.0.0.2', '10.0.0.3']) register({ contacts: [`<sip:alice@${host}>`] });

  expect(uris()).toEqual(['sip:alice@10.0.0.3', 'sip:alice@10.0.0.2']);
  expect(stats.registrationsReplaced).toBe(1);
});

test('a phone behind a NAT is reached where its REGISTER came from', () => {
  const { register, registrar } = createRegistrar();

  register();

  expect(registrar.bindings('alice')[0]?.flow).toMatchObject({ remoteAddress: natAddress, remotePort: 40_000 });
});

test('a phone without a NAT is reached at the port of its Contact', () => {
  const { register, registrar } = createRegistrar();

  register({ contacts: [`<sip:alice@${natAddress}:5070>`] });

  expect(registrar.bindings('alice')[0]?.flow).toMatchObject({ remoteAddress: natAddress, remotePort: 5_070 });
});

test('a phone on a stream is reached by its connection', () => {
  const { register, registrar } = createRegistrar();

  register({ from: { transport: 'tls', connectionId: 12 } });

  expect(registrar.bindings('alice')[0]?.flow).toMatchObject({ transport: { name: 'tls' }, connectionId: 12 });
});

test('a flow is known for as long as its registration lives', () => {
  const { clock, register, registrar } = createRegistrar();
  register({ expires: 60 });
  const [{ flow } = {}] = registrar.bindings('alice');
  if (flow === undefined) throw new Error('no binding');

  expect(registrar.knows(flow)).toBe(true);
  expect(registrar.knows({ ...flow, remotePort: 1 })).toBe(false);
  clock.advance(60_000);
  expect(registrar.knows(flow)).toBe(false);
});

test('a user who may not register any more is forgotten', () => {
  const { register, registrar, uris } = createRegistrar();
  register();

  registrar.keepOnly(new Set(['bob']));

  expect(uris()).toEqual([]);
});
