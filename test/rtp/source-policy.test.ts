import { formerSourceMs, learnPackets, SourcePolicy, unansweredPacketsMax } from '../../src/rtp/source-policy';
import { nthPacket } from './rtp-packets';

const phone = { address: '198.51.100.7', port: 4_000 };
const proxy = '203.0.113.1';

interface Source {
  address: string;
  port: number;
}

/** A policy that knows the phone from SDP; `hear` gives the verdicts on packets from `from` of one stream. */
function named({ signallingAddress = phone.address, sdp = phone } = {}) {
  const policy = new SourcePolicy({ signallingAddress });
  policy.name({ ...sdp, rtcpPort: sdp.port + 1 }, 0);
  let nowMs = 0;
  const streams = new Map<number, number>();
  const hear = (from: Source, count = 1, ssrc = 1): string[] =>
    Array.from({ length: count }, () => {
      const n = streams.get(ssrc) ?? 0;
      streams.set(ssrc, n + 1);
      nowMs += 20;
      return policy.judge(nthPacket(n, { ssrc }), from.address, from.port, nowMs);
    });
  const wait = (ms: number): void => void (nowMs += ms);
  return { policy, hear, wait, now: () => nowMs };
}

function sends(policy: SourcePolicy, count: number): (string | undefined)[] {
  return Array.from({ length: count }, () => {
    const to = policy.takeDestination();
    return to === undefined ? undefined : `${to.address}:${to.port}`;
  });
}

test('before any SDP nobody is heard or sent to', () => {
  const policy = new SourcePolicy({ signallingAddress: proxy });
  expect(policy.judge(nthPacket(0), proxy, 4_000, 0)).toBe('foreign-source');
  expect(policy.takeDestination()).toBeUndefined();
});

test('the address of the SDP is heard from its first packet on', () => {
  const { policy, hear } = named();
  expect(hear(phone, 3)).toEqual(['heard', 'heard', 'heard']);
  expect(sends(policy, 1)).toEqual(['198.51.100.7:4000']);
});

test('a foreign IP is never heard and never sent to, however long it sprays', () => {
  const { policy, hear } = named();
  const attacker = { address: '198.51.100.66', port: 4_000 };
  expect(new Set(hear(attacker, 200, 9))).toEqual(new Set(['foreign-source']));
  hear(phone);
  expect(new Set(hear(attacker, 200, 9))).toEqual(new Set(['foreign-source']));
  expect(policy.mayHear(attacker.address)).toBe(false);
  expect(policy.judgeRtcp(attacker.address, 4_001)).toBe(false);
  expect(sends(policy, 1)).toEqual(['198.51.100.7:4000']);
});

test('a foreign IP is not heard when the caller falls silent either', () => {
  const { hear, wait } = named();
  hear(phone);
  wait(10_000);
  expect(new Set(hear({ address: '198.51.100.66', port: 4_000 }, 50, 9))).toEqual(new Set(['foreign-source']));
});

test('another port of the IP in the SDP is learned by packets in a row, and then sent to', () => {
  const { policy, hear } = named();
  const mapped = { ...phone, port: 61_234 };
  expect(hear(mapped, learnPackets + 1)).toEqual(['learning-source', 'learning-source', 'heard', 'heard']);
  expect(sends(policy, 1)).toEqual(['198.51.100.7:61234']);
});

test('packets that are not in a row teach nothing', () => {
  const { policy } = named();
  const numbers = [5, 9, 200, 3, 77, 41];
  const verdicts = numbers.map((n) => policy.judge(nthPacket(n), phone.address, 61_234, 0));
  expect(new Set(verdicts)).toEqual(new Set(['learning-source']));
});

test('a phone behind NAT with a private address in its SDP is learned from the signalling address', () => {
  const { policy, hear } = named({ signallingAddress: proxy, sdp: { address: '192.168.1.20', port: 4_000 } });
  expect(sends(policy, 3)).toEqual([undefined, undefined, undefined]);
  expect(hear({ address: proxy, port: 33_000 }, learnPackets).at(-1)).toBe('heard');
  expect(sends(policy, 100).every((to) => to === `${proxy}:33000`)).toBe(true);
});

test('a caller from elsewhere cannot make us send to our own loopback', () => {
  const { policy } = named({ signallingAddress: '192.168.1.20', sdp: { address: '127.0.0.1', port: 5_353 } });
  expect(sends(policy, 2)).toEqual([undefined, undefined]);
});

test('once the SDP address has spoken, the signalling address is foreign', () => {
  const { hear } = named({ signallingAddress: proxy });
  hear(phone, 2);
  expect(new Set(hear({ address: proxy, port: 33_000 }, 10, 9))).toEqual(new Set(['foreign-source']));
});

test('a NAT rebinding is followed at once when the same stream goes on', () => {
  const { policy, hear } = named();
  hear(phone, 5);
  expect(hear({ ...phone, port: 5_555 }, 2)).toEqual(['heard', 'heard']);
  expect(sends(policy, 1)).toEqual(['198.51.100.7:5555']);
});

test('the same stream from another IP is no NAT rebinding', () => {
  const { hear } = named({ signallingAddress: proxy });
  hear({ address: proxy, port: 33_000 }, 5);
  expect(hear({ ...phone, port: 5_555 }, 2)).toEqual(['foreign-source', 'foreign-source']);
});

test('another stream from another port of the IP is not heard while the caller speaks', () => {
  const { policy, hear } = named();
  const other = { ...phone, port: 5_555 };
  for (let n = 0; n < 20; n += 1) {
    hear(phone);
    expect(hear(other, 1, 9)).toEqual(['foreign-source']);
  }
  expect(sends(policy, 1)).toEqual(['198.51.100.7:4000']);
});

test('it is learned when the caller has been silent for 200 ms', () => {
  const { hear, wait } = named();
  hear(phone, 2);
  wait(200);
  expect(hear({ ...phone, port: 5_555 }, learnPackets, 9).at(-1)).toBe('heard');
});

test('an address that has sent nothing gets 50 packets and no more, unless SIP comes from there', () => {
  const elsewhere = named({ signallingAddress: proxy });
  expect(sends(elsewhere.policy, 200).filter((to) => to !== undefined)).toHaveLength(unansweredPacketsMax);
  const peer = named();
  expect(sends(peer.policy, 200).filter((to) => to !== undefined)).toHaveLength(200);
});

test('a server of ours gets all packets before it has sent any, on loopback, too', () => {
  const policy = new SourcePolicy({ signallingAddress: '', trustsNamed: true });
  policy.name({ address: '127.0.0.1', port: 4_000, rtcpPort: 4_001 }, 0);
  expect(sends(policy, unansweredPacketsMax + 1)).not.toContain(undefined);
  expect(policy.judge(nthPacket(0), '198.51.100.66', 4_000, 0)).toBe('foreign-source');
});

test('the 50 packets are counted over re-INVITEs and over all their addresses', () => {
  const { policy, now } = named({ signallingAddress: proxy });
  let sent = 0;
  for (let n = 0; n < 100; n += 1) {
    policy.name({ address: `198.51.100.${n % 20}`, port: 4_000 + n, rtcpPort: 4_001 }, now());
    sent += sends(policy, 100).filter((to) => to !== undefined).length;
  }
  expect(sent).toBeLessThanOrEqual(8 * unansweredPacketsMax);
});

test('after its first packet it gets all of them', () => {
  const { policy, hear } = named({ signallingAddress: proxy });
  sends(policy, 200);
  hear(phone);
  expect(sends(policy, 200).filter((to) => to !== undefined)).toHaveLength(200);
});

test('new SDP moves at once, and the old address is neither heard nor sent to', () => {
  const { policy, hear, now } = named({ signallingAddress: proxy });
  hear(phone, 5);
  policy.name({ address: '198.51.100.8', port: 6_000, rtcpPort: 6_001 }, now());
  expect(sends(policy, 1)).toEqual(['198.51.100.8:6000']);
  expect(new Set(hear(phone, 20))).toEqual(new Set(['foreign-source']));
});

test('new SDP with another port of the same IP: what still comes from the old port is not taken for the new one', () => {
  const { policy, hear, now, wait } = named();
  hear(phone, 5);
  policy.name({ ...phone, port: 6_000, rtcpPort: 6_001 }, now());
  expect(new Set(hear(phone, 20))).toEqual(new Set(['foreign-source']));
  expect(sends(policy, 1)).toEqual(['198.51.100.7:6000']);
  wait(formerSourceMs);
  expect(hear(phone, learnPackets).at(-1)).toBe('heard');
});

test('new SDP with the same address keeps what was learned', () => {
  const { policy, hear, now } = named();
  hear({ ...phone, port: 61_234 }, 5);
  policy.name({ ...phone, rtcpPort: 4_001 }, now());
  expect(sends(policy, 1)).toEqual(['198.51.100.7:61234']);
});

test('RTCP goes where the SDP says, and then where it comes from', () => {
  const { policy, hear } = named();
  expect(policy.takeRtcpDestination()).toEqual({ address: phone.address, port: 4_001 });
  hear({ ...phone, port: 61_234 }, learnPackets);
  expect(policy.takeRtcpDestination()).toEqual({ address: phone.address, port: 61_235 });
  expect(policy.judgeRtcp(phone.address, 7_777)).toBe(true);
  expect(policy.takeRtcpDestination()).toEqual({ address: phone.address, port: 7_777 });
});
