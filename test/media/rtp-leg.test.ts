import { seededRandom } from '../../src/runtime/random';
import { samplesPerFrame } from '../../src/audio/pcm';
import { OfferRefused } from '../../src/media/media-leg';
import { parseRtcp } from '../../src/rtp/rtcp';
import { portQuarantineMs } from '../../src/rtp/port-pool';
import { legOnNetwork, phoneAddress, PacketPhone, portOf, sampleOf, type LegOnNetwork } from './leg-on-network';
import { offer } from './offers';
import { stallingClock } from './stalling-clock';

let call: LegOnNetwork;

async function answered(...options: Parameters<typeof legOnNetwork>): Promise<LegOnNetwork> {
  call = await legOnNetwork(...options);
  return call;
}

afterEach(() => {
  call.leg.close();
  call.clock.advance(100);
  expect(call.clock.pendingTimers).toBe(0);
  expect(call.frameClock.subscribers).toBe(0);
});

/** The first sample of each frame that is not silence or a filling: the numbers of the packets that were heard. */
function heardCodes({ listener }: LegOnNetwork): number[] {
  const codes = new Map(Array.from({ length: 100 }, (_, code) => [sampleOf(code), code]));
  return listener.frames.flatMap((frame) => {
    const code = frame.every((sample) => sample === frame[0]) ? codes.get(frame[0]!) : undefined;
    return code === undefined ? [] : [code];
  });
}

function count(upTo: number): number[] {
  return Array.from({ length: upTo }, (_, n) => n % 100);
}

describe('the agent is heard by the caller', () => {
  test('one packet each 20 ms from the start on, exactly 20 ms apart', async () => {
    const { clock, phone, source } = await answered();
    clock.advance(2_000);
    expect(phone.received).toHaveLength(100);
    const gaps = phone.received.slice(1).map(({ atMs }, n) => atMs - phone.received[n]!.atMs);
    expect(gaps.every((gap) => Math.abs(gap - 20) < 1e-6)).toBe(true);
    expect(source.pulls).toBe(100);
    expect(phone.received.map(({ packet }) => packet.marker)).toEqual([true, ...Array<boolean>(99).fill(false)]);
  });

  test('in the law that the caller prefers', async () => {
    const { clock, phone } = await answered({ offered: offer({ formats: '8 0' }) });
    clock.advance(40);
    expect(phone.received.map(({ packet }) => packet.payloadType)).toEqual([8, 8]);
  });

  test('keys come as telephone-event in the place of audio, and no frame is pulled for them', async () => {
    const { clock, phone, leg, source } = await answered();
    clock.advance(50);
    expect(leg.sendDigit('5', 100)).toBe(true);
    clock.advance(400);
    const types = phone.received.map(({ packet }) => (packet.payloadType === 101 ? 'e' : 'a')).join('');
    expect(types).toMatch(/^aaa?eeeeeeea+$/);
    expect(source.pulls).toBe(types.replaceAll('e', '').length);
    const steps = phone.received.slice(1).map(({ packet }, n) => packet.sequence - phone.received[n]!.packet.sequence);
    expect(steps.every((step) => (step & 0xffff) === 1)).toBe(true);
  });

  test('without telephone-event in the offer no key can be sent', async () => {
    const { leg } = await answered({ offered: offer({ formats: '0', audio: [] }) });
    expect(leg.sendDigit('5', 100)).toBe(false);
  });

  test('after a stall of the process three frames come at once, the rest is skipped, and timestamps stay true', async () => {
    const { clock, phone, leg, source } = await answered();
    clock.advance(100);
    const pull = source.pull.bind(source);
    source.pull = (frame) => {
      source.pull = pull;
      clock.advance(205);
      pull(frame);
    };
    clock.advance(1_000);
    expect(leg.stats.framesSkipped).toBe(7);
    const timestamps = phone.received.map(
      ({ packet }) => (packet.timestamp - phone.received[0]!.packet.timestamp) >>> 0,
    );
    expect(Math.max(...timestamps) / 160).toBe(phone.received.length - 1 + 7);
  });
});

describe('after a stall of the process', () => {
  test('the agent is heard again before the packets that wait are read, and their place is not silence', async () => {
    const clocks = stallingClock();
    const { clock, network, phone, leg } = await answered({ clocks });
    const stranger = new PacketPhone(network, clock, phone.to, { address: '192.0.2.99', port: 6_000 });
    phone.talk(10);
    const before = phone.received.length;
    clocks.stall.byMs(50);
    stranger.send(stranger.next());
    clock.advance(2);
    expect(phone.received.length - before).toBeGreaterThanOrEqual(2);
    clocks.stall.byMs(23);
    stranger.send(stranger.next());
    clock.advance(1);
    for (let code = 10; code < 14; code += 1) phone.send(phone.next({ code }));
    clock.advance(1);
    expect(heardCodes(call)).toEqual(count(14));
    expect(leg.stats).toMatchObject({ framesConcealed: 0, framesSilenced: 0, framesSkipped: 0 });
  });
});

describe('the caller is heard by the agent', () => {
  test('each packet on arrival, as a frame of 160 samples', async () => {
    const { phone, listener, clock } = await answered();
    phone.talk(50);
    expect(heardCodes(call)).toEqual(count(50));
    expect(new Set(listener.frames.map(({ length }) => length))).toEqual(new Set([samplesPerFrame(8_000)]));
    const sentMs = 49 * 20;
    expect(listener.frameTimesMs.at(-1)).toBe(sentMs + 1);
    expect(clock.now()).toBe(1_000);
  });

  test('through the wraps of sequence and timestamp without losing a sample', async () => {
    const { phone, leg } = await answered();
    phone.sequence = 65_525;
    phone.timestamp = 0x1_0000_0000 - 10 * 160;
    phone.talk(50);
    expect(heardCodes(call)).toEqual(count(50));
    expect(leg.stats).toMatchObject({ packetsLost: 0, framesConcealed: 0, framesSilenced: 0 });
  });

  test.each([
    ['sequence', 20_000, 0],
    ['timestamp, forward', 0, 1_000_000_000],
    ['timestamp, back', 0, -100_000],
    ['both', 30_000, -2_000_000_000],
  ])('through a jump of its %s without losing or adding a sample', async (_name, sequenceJump, timestampJump) => {
    const { phone } = await answered();
    phone.talk(20);
    phone.sequence = (phone.sequence + sequenceJump) & 0xffff;
    phone.timestamp = (phone.timestamp + timestampJump) >>> 0;
    phone.talk(20);
    expect(heardCodes(call)).toEqual([...count(20), ...count(20)]);
    expect(call.listener.frames).toHaveLength(40);
  });

  test('through a change of SSRC, with no gap over 60 ms', async () => {
    const { phone, listener, clock } = await answered();
    phone.talk(20);
    Object.assign(phone, { ssrc: 77, sequence: 5, timestamp: 9 });
    const changedMs = clock.now();
    phone.talk(20);
    expect(heardCodes(call)).toEqual([...count(20), ...count(20)]);
    expect(listener.frameTimesMs[20]! - changedMs).toBeLessThanOrEqual(60);
  });

  test('in order and whole, though every third packet is late by two', async () => {
    const { phone, clock, leg } = await answered();
    for (let n = 0; n < 30; n += 3) {
      const [a, b, c] = [n, n + 1, n + 2].map((code) => phone.next({ code }));
      clock.advance(20);
      phone.send(b!);
      clock.advance(20);
      phone.send(c!);
      phone.send(a!);
      clock.advance(20);
    }
    clock.advance(20);
    // The very first packet has nothing to wait for: the one that came before it is where the stream begins.
    expect(heardCodes(call).slice(2)).toEqual(count(30).slice(3));
    expect(leg.stats.packetsReordered).toBe(9);
  });

  test('once, though every packet comes twice', async () => {
    const { phone, clock, leg } = await answered();
    for (let n = 0; n < 50; n += 1) {
      const packet = phone.next({ code: n });
      phone.send(packet);
      phone.send(packet);
      clock.advance(20);
    }
    expect(heardCodes(call)).toEqual(count(50));
    expect(leg.stats).toMatchObject({ packetsDuplicate: 50, packetsLost: 0 });
  });

  test('with 5 % loss for as long as was sent, the gaps concealed', async () => {
    const { phone, clock, leg, listener } = await answered();
    const random = seededRandom(9);
    let lost = 0;
    for (let n = 0; n < 500; n += 1) {
      const packet = phone.next({ code: n % 100 });
      if (n > 0 && n < 499 && random.fraction() < 0.05) lost += 1;
      else phone.send(packet);
      clock.advance(20);
    }
    expect(lost).toBeGreaterThan(15);
    expect(listener.frames).toHaveLength(500);
    expect(leg.stats).toMatchObject({ packetsLost: lost, framesConcealed: lost });
  });

  test('with bursts and pauses of the network for as long as was sent', async () => {
    const { phone, clock, listener } = await answered();
    for (let n = 0; n < 250; n += 1) {
      phone.send(phone.next({ code: n % 100 }));
      // Five packets come together each 100 ms.
      if (n % 5 === 4) clock.advance(100);
    }
    clock.advance(40);
    expect(Math.abs(listener.heardMs - 5_000)).toBeLessThanOrEqual(40);
  });

  test('after the network stood still for 500 ms: nothing said is lost, and within 2 s the time is made up for', async () => {
    const { phone, clock, listener } = await answered();
    phone.talk(50);
    const waiting = Array.from({ length: 25 }, (_, n) => phone.next({ code: n }));
    clock.advance(500);
    waiting.forEach((packet) => phone.send(packet));
    phone.talk(100);
    expect(Math.abs(listener.heardMs - (50 + 25 + 100) * 20)).toBeLessThanOrEqual(20);
    const after = listener.heardMs;
    phone.talk(50);
    expect(listener.heardMs - after).toBe(1_000);
  });

  test('time is made up for in pauses first, so that speech stays whole', async () => {
    const { phone, clock, listener } = await answered();
    phone.talk(50);
    const waiting = Array.from({ length: 25 }, (_, n) => phone.next({ code: n < 3 ? n : 0xff }));
    clock.advance(500);
    waiting.forEach((packet) => phone.send(packet));
    for (let n = 0; n < 10; n += 1) {
      phone.send(phone.next({ code: 0xff }));
      clock.advance(20);
    }
    phone.talk(50);
    expect(Math.abs(listener.heardMs - 135 * 20)).toBeLessThanOrEqual(20);
    expect(heardCodes(call).slice(-50)).toEqual(count(50));
  });

  test.each([10, 30, 40, 60])('in packets of %d ms, whatever the SDP said', async (ptimeMs) => {
    const { phone, clock, listener } = await answered();
    const packets = 1_200 / ptimeMs;
    for (let n = 0; n < packets; n += 1) {
      phone.send(phone.next({ payload: Buffer.alloc(ptimeMs * 8, n % 2) }));
      clock.advance(ptimeMs);
    }
    expect(listener.heardMs).toBe(1_200);
    const expected = Array.from({ length: packets }, (_, n) => Array<number>(ptimeMs * 8).fill(sampleOf(n % 2))).flat();
    expect([...listener.samples]).toEqual(expected);
  });

  test('with a packet time that changes in the call', async () => {
    const { phone, clock, listener } = await answered();
    for (const ptimeMs of [20, 60, 10, 10, 30, 10, 40, 20]) {
      phone.send(phone.next({ payload: Buffer.alloc(ptimeMs * 8, 1) }));
      clock.advance(ptimeMs);
    }
    expect(listener.heardMs).toBe(200);
    expect(listener.samples.every((sample) => sample === sampleOf(1))).toBe(true);
  });

  test('in the other law when the phone switches to it', async () => {
    const { phone, clock, listener } = await answered();
    phone.send(phone.next({ code: 5 }));
    clock.advance(20);
    phone.send(phone.next({ code: 5, payloadType: 8 }));
    clock.advance(20);
    expect(listener.frames.map((frame) => frame[0])).toEqual([sampleOf(5, 'pcmu'), sampleOf(5, 'pcma')]);
  });

  test('but not in a payload type that was never agreed on: that is silence', async () => {
    const { phone, clock, leg, listener } = await answered();
    phone.talk(5);
    phone.send(phone.next({ code: 9, payloadType: 96 }));
    clock.advance(20);
    phone.talk(5);
    expect(heardCodes(call)).toEqual([...count(5), ...count(5)]);
    expect(listener.frames).toHaveLength(11);
    expect(leg.stats).toMatchObject({ packetsLost: 0, framesConcealed: 0 });
    expect(leg.stats.dropped).toEqual({ 'unknown-payload-type': 1 });
  });
});

describe('when the caller sends nothing', () => {
  test('35 s of silence take 35 s, and the stream goes on where it is', async () => {
    const { phone, clock, listener } = await answered({ options: { mediaTimeoutMs: 60_000 } });
    phone.talk(50);
    clock.advance(35_000);
    expect(Math.abs(listener.heardMs - 36_000)).toBeLessThanOrEqual(80);
    phone.timestamp = (phone.timestamp + 35_000 * 8) >>> 0;
    phone.talk(50);
    expect(listener.heardMs).toBe(37_000);
    expect(heardCodes(call)).toEqual([...count(50), ...count(50)]);
  });

  test('comfort noise is time, not loss', async () => {
    const { phone, clock, listener, leg } = await answered();
    phone.talk(10);
    for (let n = 0; n < 5; n += 1) {
      phone.send({ ...phone.next({ payload: Buffer.from([60]), payloadType: 13 }) });
      phone.timestamp = (phone.timestamp - 1 + 1_600) >>> 0;
      clock.advance(200);
    }
    phone.talk(10);
    expect(listener.heardMs).toBe(200 + 1_000 + 200);
    expect(leg.stats).toMatchObject({ packetsLost: 0, framesConcealed: 0, framesSilenced: 50 });
  });

  test('a phone whose timestamps stop with its packets owes nothing afterwards', async () => {
    const { phone, clock, listener } = await answered();
    phone.talk(50);
    clock.advance(3_000);
    phone.talk(200);
    // The start of the first frame is blended with what was filled in before it.
    expect(heardCodes(call)).toEqual([...count(50), ...count(200).slice(1)]);
    expect(Math.abs(listener.heardMs - 8_000)).toBeLessThanOrEqual(80);
    phone.sequence += 3;
    phone.timestamp += 3 * 160;
    clock.advance(60);
    phone.talk(5);
    expect(Math.abs(listener.heardMs - 8_160)).toBeLessThanOrEqual(80);
  });

  test('from the start on there is silence until the first packet', async () => {
    const { phone, clock, listener } = await answered();
    clock.advance(2_000);
    expect(Math.abs(listener.heardMs - 2_000)).toBeLessThanOrEqual(80);
    phone.talk(10);
    expect(Math.abs(listener.heardMs - 2_200)).toBeLessThanOrEqual(20);
  });

  test('a loss is concealed for 60 ms and is silence afterwards', async () => {
    const { phone, clock, listener, leg } = await answered();
    phone.talk(20);
    phone.sequence += 8;
    phone.timestamp += 8 * 160;
    clock.advance(160);
    phone.talk(20);
    clock.advance(40);
    expect(leg.stats).toMatchObject({ packetsLost: 8, framesConcealed: 3 });
    expect(listener.frames.slice(20, 28).map((frame) => frame.some((sample) => sample !== 0))).toEqual([
      true,
      true,
      true,
      ...Array<boolean>(5).fill(false),
    ]);
    expect(listener.frames).toHaveLength(48);
  });

  test('after 15 s without RTP and RTCP the leg has failed, once', async () => {
    const { phone, clock, listener } = await answered();
    phone.talk(50);
    clock.advance(40_000);
    expect(listener.failures).toHaveLength(1);
    const [{ failure, atMs }] = listener.failures as [(typeof listener.failures)[0]];
    expect(failure).toMatchObject({ kind: 'media-timeout' });
    expect(Math.abs(atMs - (981 + 15_000))).toBeLessThanOrEqual(20);
  });

  test('before the first packet it may take 30 s', async () => {
    const { clock, listener } = await answered();
    clock.advance(29_900);
    expect(listener.failures).toHaveLength(0);
    clock.advance(200);
    expect(listener.failures).toHaveLength(1);
  });

  test('RTCP is a sign of life', async () => {
    const { phone, clock, listener, leg } = await answered();
    phone.talk(5);
    const receiverReport = Buffer.from([0x80, 201, 0, 1, 0, 0, 0, 9]);
    for (let n = 0; n < 10; n += 1) {
      clock.advance(10_000);
      phone.sendRtcp(receiverReport);
    }
    expect(listener.failures).toHaveLength(0);
    expect(leg.stats.dropped).toEqual({});
  });

  test('on hold it may take for ever, and the time begins anew afterwards', async () => {
    const { phone, clock, listener, leg } = await answered();
    phone.talk(5);
    await leg.modify(offer({ direction: 'inactive' }));
    clock.advance(600_000);
    expect(listener.failures).toHaveLength(0);
    await leg.modify(offer());
    clock.advance(14_900);
    expect(listener.failures).toHaveLength(0);
    clock.advance(200);
    expect(listener.failures).toHaveLength(1);
  });
});

describe('keys', () => {
  test('are told once, at their first packet, and are neither audio nor loss', async () => {
    const { phone, clock, listener, leg } = await answered();
    phone.talk(10);
    const { timestamp } = phone;
    for (let n = 1; n <= 7; n += 1) {
      phone.send(phone.event(5, { timestamp, duration: Math.min(n, 5) * 160, end: n >= 5 }));
      clock.advance(20);
      if (n === 1) expect(listener.digits).toBe('5');
    }
    phone.timestamp = timestamp + 7 * 160;
    phone.talk(10);
    expect(listener.digits).toBe('5');
    expect(leg.stats).toMatchObject({ digits: 1, packetsLost: 0, framesConcealed: 0, framesSilenced: 7 });
    expect(heardCodes(call)).toEqual([...count(10), ...count(10)]);
    expect(listener.frames).toHaveLength(27);
  });

  test('that a gateway sends as tone beside the event do not reach the model as tone', async () => {
    const { phone, clock, listener } = await answered();
    phone.talk(5);
    const { timestamp } = phone;
    for (let n = 1; n <= 5; n += 1) {
      phone.send(phone.event(5, { timestamp, duration: n * 160 }));
      phone.send(phone.next({ code: 0x01 }));
      clock.advance(20);
    }
    expect(listener.frames.slice(5).every((frame) => frame.every((sample) => sample === 0))).toBe(true);
    expect(listener.frames).toHaveLength(10);
  });

  test('whose last packet is lost leave silence, not invented speech', async () => {
    const { phone, clock, leg, listener } = await answered();
    phone.talk(10);
    const { timestamp } = phone;
    phone.send(phone.event(5, { timestamp }));
    clock.advance(20);
    phone.event(5, { timestamp, duration: 320, end: true });
    clock.advance(20);
    phone.timestamp = timestamp + 2 * 160;
    for (let n = 0; n < 3; n += 1) phone.send(phone.next({ code: n }));
    clock.advance(20);
    expect(leg.stats).toMatchObject({ packetsLost: 1, framesConcealed: 0, framesSilenced: 2 });
    expect(listener.frames).toHaveLength(15);
  });

  test('with too few octets are dropped and counted', async () => {
    const { phone, clock, leg, listener } = await answered();
    phone.send({ ...phone.event(5), payload: Buffer.from([5]) });
    clock.advance(20);
    expect(listener.digits).toBe('');
    expect(leg.stats.dropped).toEqual({ 'bad-telephone-event': 1 });
  });
});

describe('strangers', () => {
  const attackerAt = { address: '198.51.100.66', port: 4_000 };

  test('who send 500 packets a second are not heard and are sent nothing', async () => {
    const { phone, network, clock, leg } = await answered();
    const attacker = new PacketPhone(network, clock, phone.to, attackerAt);
    for (let n = 0; n < 100; n += 1) {
      for (let spray = 0; spray < 10; spray += 1) attacker.send(attacker.next({ code: 0x7f }));
      phone.send(phone.next({ code: n }));
      clock.advance(20);
    }
    expect(heardCodes(call)).toEqual(count(100));
    expect(attacker.received).toHaveLength(0);
    expect(leg.stats.dropped).toEqual({ 'foreign-source': 1_000 });
  });

  test('who come first do not get the call', async () => {
    const { phone, network, clock, listener } = await answered();
    const attacker = new PacketPhone(network, clock, phone.to, attackerAt);
    attacker.talk(50);
    phone.talk(50);
    expect(listener.samples.includes(sampleOf(49))).toBe(true);
    expect(heardCodes(call)).toEqual(count(50));
    expect(attacker.received).toHaveLength(0);
  });

  test('cannot keep a dead call alive or end a live one', async () => {
    const { phone, network, clock, listener } = await answered();
    phone.talk(5);
    const attacker = new PacketPhone(network, clock, phone.to, attackerAt);
    attacker.sendRtcp(Buffer.from([0x81, 203, 0, 1, 0x12, 0x34, 0x56, 0x78]));
    for (let n = 0; n < 20; n += 1) {
      attacker.send(attacker.next());
      clock.advance(1_000);
    }
    expect(listener.failures).toHaveLength(1);
  });

  test('with malformed datagrams, from the caller itself too, change nothing', async () => {
    const { phone, clock, leg } = await answered();
    const random = seededRandom(12);
    for (let n = 0; n < 100; n += 1) {
      phone.sendRaw(random.bytes(Math.floor(random.fraction() * 300)));
      phone.sendRaw(Buffer.concat([Buffer.from([0x80, 0]), random.bytes(10 + (n % 170))]));
      phone.sendRaw(Buffer.alloc(65_000, 0x80));
      phone.sendRtcp(random.bytes(n % 40));
      phone.send(phone.next({ code: n }));
      clock.advance(20);
    }
    expect(heardCodes(call)).toEqual(count(100));
    expect(leg.stats.dropped['too-long']).toBeGreaterThan(0);
    expect(leg.stats.dropped['stray-packet']).toBeGreaterThan(50);
  });
});

describe('behind NAT', () => {
  test('a phone with a private address in its SDP is heard and sent to where its packets come from', async () => {
    const outside = { address: '203.0.113.99', port: 33_000 };
    const { phone, clock, source } = await answered({
      offered: offer({ address: '192.168.1.20' }),
      signallingAddress: outside.address,
      phoneAt: outside,
    });
    clock.advance(500);
    expect(source.pulls).toBe(0);
    phone.talk(50);
    expect(heardCodes(call)).toEqual(count(50).slice(2));
    expect(phone.received.length).toBeGreaterThan(45);
  });

  test('an address that never answers gets 50 packets, and the agent waits with its words', async () => {
    const { clock, source, leg } = await answered({ signallingAddress: '203.0.113.1' });
    clock.advance(5_000);
    expect(source.pulls).toBeLessThanOrEqual(50);
    expect(leg.stats.packetsSent).toBeLessThanOrEqual(50);
  });
});

describe('re-INVITE', () => {
  test('audio goes to the new address at once, and nothing to the old one', async () => {
    const { phone, network, clock, leg, listener } = await answered();
    phone.talk(10);
    const moved = new PacketPhone(network, clock, phone.to, { address: '198.51.100.8', port: 6_000 });
    Object.assign(moved, { ssrc: 5, sequence: 9, timestamp: 9 });
    await leg.modify(offer({ address: '198.51.100.8', port: 6_000 }));
    const { length } = phone.received;
    const heard = listener.frames.length;
    moved.send(moved.next({ code: 0 }));
    clock.advance(2);
    expect(listener.frames).toHaveLength(heard + 1);
    clock.advance(18);
    for (let n = 1; n < 20; n += 1) {
      phone.send(phone.next({ code: 99 }));
      moved.send(moved.next({ code: n }));
      clock.advance(20);
    }
    // What was on its way when the address changed still arrives.
    expect(phone.received.length - length).toBeLessThanOrEqual(1);
    expect(moved.received.length).toBeGreaterThanOrEqual(19);
    expect(heardCodes(call)).toEqual([...count(10), ...count(20)]);
  });

  test('the codec changes with the packets', async () => {
    const { phone, clock, leg } = await answered();
    clock.advance(30);
    await leg.modify(offer({ formats: '8' }));
    clock.advance(20);
    expect(phone.received.at(-1)?.packet.payloadType).toBe(8);
    expect(leg.stats.codec).toBe('PCMA/8000');
  });

  test('on hold nothing is sent and no frame is pulled; after it timestamps have gone on', async () => {
    const { phone, clock, leg, source } = await answered();
    clock.advance(1_010);
    expect(await leg.modify(offer({ direction: 'sendonly' }))).toContain('a=recvonly');
    expect(leg.onHold).toBe(true);
    const pulls = source.pulls;
    clock.advance(10_000);
    expect(source.pulls).toBe(pulls);
    expect(await leg.modify(offer())).toContain('a=sendrecv');
    expect(leg.onHold).toBe(false);
    clock.advance(1_000);
    const [before, after] = [phone.received[pulls - 1]!, phone.received[pulls]!];
    expect((after.packet.timestamp - before.packet.timestamp) >>> 0).toBe(Math.round((after.atMs - before.atMs) * 8));
    expect((after.packet.sequence - before.packet.sequence) & 0xffff).toBe(1);
    expect(after.packet.marker).toBe(true);
    expect(phone.received).toHaveLength(source.pulls);
  });

  test('music on hold is heard as it is sent', async () => {
    const { phone, leg } = await answered();
    await leg.modify(offer({ direction: 'sendonly' }));
    phone.talk(10);
    expect(heardCodes(call)).toEqual(count(10));
  });

  test('hold by a zero address goes on where the call was', async () => {
    const { phone, clock, leg } = await answered();
    phone.talk(5);
    await leg.modify(offer({ address: '0.0.0.0' }));
    clock.advance(100);
    const { length } = phone.received;
    clock.advance(1_000);
    expect(phone.received).toHaveLength(length);
    await leg.modify(offer());
    clock.advance(100);
    expect(phone.received).toHaveLength(length + 5);
  });

  test('an offer that is refused changes nothing', async () => {
    const { phone, clock, leg } = await answered();
    await expect(leg.modify(offer({ formats: '18', port: 9_000 }))).rejects.toBeInstanceOf(OfferRefused);
    await expect(leg.modify('nonsense')).rejects.toMatchObject({ status: 400 });
    clock.advance(1_000);
    expect(phone.received).toHaveLength(50);
  });

  test('our own port as the media address is refused: audio would run in a circle', async () => {
    const { leg, phone } = await answered();
    await expect(leg.modify(offer({ address: phone.to.address, port: phone.to.port }))).rejects.toMatchObject({
      status: 488,
    });
  });
});

describe('RTCP', () => {
  test('is sent each 5 s or so, tells the truth about both streams, and ends with a goodbye', async () => {
    const { phone, clock, leg } = await answered();
    phone.talk(1_000);
    leg.close();
    clock.advance(10);
    expect(phone.receivedRtcp.length).toBeGreaterThanOrEqual(3);
    expect(phone.receivedRtcp.length).toBeLessThanOrEqual(9);
    const reports = phone.receivedRtcp.map((datagram) => parseRtcp(datagram));
    const last = reports.at(-1);
    if (typeof last === 'string' || last === undefined) throw new Error(`bad RTCP: ${last}`);
    const [report, goodbye] = last;
    expect(report).toMatchObject({ kind: 'sender-report', sender: { packets: 1_000, octets: 160_000 } });
    expect(report?.kind !== 'goodbye' && report?.reports[0]).toMatchObject({ packetsLost: 0, highestSequence: 1_999 });
    expect(goodbye).toMatchObject({ kind: 'goodbye' });
  });
});

describe('closing', () => {
  test('stops at once, frees the sockets, and rests the port', async () => {
    const { phone, clock, leg, network, ports, listener } = await answered();
    phone.talk(5);
    leg.close();
    leg.close();
    const { length } = phone.received;
    const heard = listener.frames.length;
    phone.talk(5);
    expect([phone.received.length, listener.frames.length]).toEqual([length, heard]);
    expect(network.boundPorts).toBe(2);
    expect(ports.leasedPairs).toBe(0);
    clock.advance(portQuarantineMs);
  });

  test('from inside the listener ends the frames that are still to come', async () => {
    const { phone, clock, leg, listener } = await answered();
    listener.onAudio = () => {
      listener.frames.push(new Int16Array(160));
      leg.close();
    };
    phone.send(phone.next({ payload: Buffer.alloc(480, 1) }));
    clock.advance(500);
    expect(listener.frames).toHaveLength(1);
  });

  test('late packets of a call do not reach the next one: its port is another', async () => {
    const { leg, ports } = await answered();
    const used = portOf(await leg.offer());
    leg.close();
    const leased = [];
    for (let n = 0; n < 49; n += 1) leased.push((await ports.lease((port) => Promise.resolve(port))).port);
    expect(leased).not.toContain(used);
    await expect(ports.lease((port) => Promise.resolve(port))).rejects.toThrow('no even port is free');
  });
});

test('a listener or a source with a bug fails its own leg and is not thrown at the network', async () => {
  const { phone, clock, listener } = await answered();
  listener.onAudio = () => {
    throw new Error('bug');
  };
  phone.talk(3);
  expect(listener.failures.map(({ failure }) => failure)).toEqual([{ kind: 'media-error', message: 'bug' }]);
  clock.advance(100);
});

test('a late offer: we offer, and the answer says where to send', async () => {
  const { network, clock, factory } = await answered();
  const leg = await factory.create({ callId: 'call-2', signallingAddress: phoneAddress.address });
  const port = portOf(await leg.offer());
  const phone = new PacketPhone(
    network,
    clock,
    { address: '203.0.113.5', port },
    { address: '198.51.100.9', port: 7_000 },
  );
  await leg.acceptAnswer(offer({ address: '198.51.100.9', port: 7_000, formats: '8 101' }));
  const heard: Int16Array[] = [];
  leg.start(
    {
      onAudio: (frame) => void heard.push(Int16Array.from(frame)),
      onDigit: () => undefined,
      onFailure: () => undefined,
    },
    { pull: (frame) => void frame.fill(0) },
  );
  for (let n = 0; n < 10; n += 1) {
    phone.send(phone.next({ code: n, payloadType: 8 }));
    clock.advance(20);
  }
  expect(heard.map((frame) => frame[0])).toEqual(count(10).map((code) => sampleOf(code, 'pcma')));
  expect(phone.received.every(({ packet }) => packet.payloadType === 8)).toBe(true);
  expect(phone.received.length).toBeGreaterThanOrEqual(9);
  leg.close();
});
