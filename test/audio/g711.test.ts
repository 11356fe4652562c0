import { createHash } from 'node:crypto';
import { decodeG711, encodeG711, g711Silence, type G711Law } from '../../src/audio/g711';

const laws: readonly G711Law[] = ['pcmu', 'pcma'];

/** Of the ITU-T G.191 reference: octets for the samples 0..32767, -32768..-1, and 256 little-endian samples. */
const reference = {
  pcmu: {
    encode: '455d3ccb989aea3ed20d8783a99859635739069ad7ffab3bfc61f36feb6de709',
    decode: '3dab54339e520bb2c924826e3b72a917a2b612e9fd12fc867500f1d983a75827',
  },
  pcma: {
    encode: 'f77c76aa923ee25617453f87514828a12896227f82ff383bf3bb53d6ac7c2a0f',
    decode: 'e04788d110e58ff8c70c93b8480190d973e3b67876b6119abbaec766cc75c174',
  },
};

const everySample = Int16Array.from({ length: 0x1_0000 }, (_, index) => index);
const everyCode = Uint8Array.from({ length: 256 }, (_, code) => code);

function encoded(law: G711Law, pcm: Int16Array): Uint8Array {
  const out = new Uint8Array(pcm.length);
  encodeG711(law, pcm, out);
  return out;
}

function decoded(law: G711Law, bytes: Uint8Array): Int16Array {
  const out = new Int16Array(bytes.length);
  decodeG711(law, bytes, out);
  return out;
}

function littleEndian(pcm: Int16Array): Buffer {
  const bytes = Buffer.alloc(pcm.length * 2);
  pcm.forEach((sample, i) => bytes.writeInt16LE(sample, i * 2));
  return bytes;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

describe.each(laws)('%s', (law) => {
  test('encodes every one of the 65536 samples as the ITU reference does', () => {
    expect(sha256(encoded(law, everySample))).toBe(reference[law].encode);
  });

  test('decodes every one of the 256 octets as the ITU reference does', () => {
    expect(sha256(littleEndian(decoded(law, everyCode)))).toBe(reference[law].decode);
  });

  test('encoding what was decoded gives the same octet, but for the negative zero of PCMU', () => {
    const again = encoded(law, decoded(law, everyCode));
    const changed = [...everyCode].filter((code) => again[code] !== code);
    expect(changed).toEqual(law === 'pcmu' ? [0x7f] : []);
  });

  test('its silence is the octet of a zero sample', () => {
    expect(g711Silence(law)).toBe(encoded(law, new Int16Array(1))[0]);
    expect(g711Silence(law)).toBe(law === 'pcmu' ? 0xff : 0xd5);
  });

  test('writes from the offset on and nowhere else', () => {
    const octets = new Uint8Array(6).fill(0x11);
    encodeG711(law, new Int16Array(3), octets, 2);
    const silence = g711Silence(law);
    expect([...octets]).toEqual([0x11, 0x11, silence, silence, silence, 0x11]);

    const samples = new Int16Array(4).fill(7);
    decodeG711(law, octets.subarray(2, 4), samples, 1);
    expect([samples[0], samples[3]]).toEqual([7, 7]);
    expect(Math.abs(samples[1]!)).toBeLessThanOrEqual(8);
  });

  test('refuses an output that is too short instead of losing samples', () => {
    expect(() => encodeG711(law, new Int16Array(160), new Uint8Array(171), 12)).toThrow('too short');
    expect(() => decodeG711(law, new Uint8Array(160), new Int16Array(159))).toThrow('too short');
  });
});
