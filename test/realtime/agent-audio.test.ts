import { decodeG711 } from '../../src/audio/g711';
import { AgentAudio } from '../../src/realtime/agent-audio';
import { pcmBytes } from './scripted-session';

const content = { responseId: 'resp_1', itemId: 'item_1', contentIndex: 0 };

/** All samples of `bytes`, handed over in pieces of these lengths, again and again. */
function decodeInPieces(audio: AgentAudio, bytes: Buffer, lengths: number[]): number[] {
  const samples: number[] = [];
  for (let start = 0, piece = 0; start < bytes.length; piece += 1) {
    const length = lengths[piece % lengths.length] ?? 1;
    samples.push(...(audio.decode({ ...content, audio: bytes.subarray(start, start + length) }) ?? []));
    start += length;
  }
  return samples;
}

test.each([[[960]], [[1]], [[1, 2]], [[3, 5, 7]], [[959, 1, 961]], [[4_799]]])(
  'deltas of %j octets join to the same PCM samples',
  (lengths) => {
    const bytes = pcmBytes(100);
    const expected = Array.from({ length: bytes.length / 2 }, (_, index) => bytes.readInt16LE(index * 2));
    expect(decodeInPieces(new AgentAudio('pcm'), bytes, lengths)).toEqual(expected);
  },
);

test('an odd octet belongs to its own content', () => {
  const audio = new AgentAudio('pcm');
  audio.decode({ ...content, audio: Buffer.of(1, 0, 9) });
  expect([...(audio.decode({ ...content, contentIndex: 1, audio: Buffer.of(2, 0) }) ?? [])]).toEqual([2]);
  expect([...(audio.decode({ ...content, audio: Buffer.of(0) }) ?? [])]).toEqual([9]);
});

test.each(['pcmu', 'pcma'] as const)('%s octets become one sample each', (law) => {
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
  const expected = new Int16Array(256);
  decodeG711(law, bytes, expected);
  expect(new AgentAudio(law).decode({ ...content, audio: bytes })).toEqual(expected);
});

test('a delta that completes no sample yields nothing', () => {
  const audio = new AgentAudio('pcm');
  expect(audio.decode({ ...content, audio: Buffer.alloc(0) })).toBeUndefined();
  expect(audio.decode({ ...content, audio: Buffer.of(7) })).toBeUndefined();
  expect(audio.decode({ ...content, audio: Buffer.alloc(0) })).toBeUndefined();
  expect([...(audio.decode({ ...content, audio: Buffer.of(0) }) ?? [])]).toEqual([7]);
});

test('the length received is whole milliseconds, rounded down', () => {
  const audio = new AgentAudio('pcm');
  expect(audio.receivedMs(content)).toBeUndefined();
  audio.decode({ ...content, audio: Buffer.alloc(48 * 20 - 2) });
  expect(audio.receivedMs(content)).toBe(19);
  audio.decode({ ...content, audio: Buffer.alloc(2) });
  expect(audio.receivedMs(content)).toBe(20);
});

test('the length of G.711 counts 8 octets for a millisecond', () => {
  const audio = new AgentAudio('pcmu');
  audio.decode({ ...content, audio: Buffer.alloc(8 * 35 + 7) });
  expect(audio.receivedMs(content)).toBe(35);
});

test('a content is finished once, and audio after that is dropped', () => {
  const audio = new AgentAudio('pcm');
  expect(audio.finish(content)).toBe(false);
  audio.decode({ ...content, audio: Buffer.alloc(960) });
  expect([audio.finish(content), audio.finish(content)]).toEqual([true, false]);
  expect(audio.decode({ ...content, audio: Buffer.alloc(960) })).toBeUndefined();
  expect(audio.receivedMs(content)).toBe(20);
});

test('the end of a response finishes what of it was still open', () => {
  const audio = new AgentAudio('pcm');
  const other = { ...content, itemId: 'item_2' };
  const later = { ...content, responseId: 'resp_2', itemId: 'item_3' };
  for (const each of [content, other, later]) audio.decode({ ...each, audio: Buffer.alloc(2) });
  audio.finish(content);
  expect(audio.finishResponse('resp_1').map(({ itemId }) => itemId)).toEqual(['item_2']);
  expect(audio.finishResponse('resp_1')).toEqual([]);
});

test('a stranger with ever new contents does not fill the memory', () => {
  const audio = new AgentAudio('pcm');
  for (let index = 0; index < 100; index += 1)
    audio.decode({ ...content, contentIndex: index, audio: Buffer.alloc(2) });
  const remembered = Array.from({ length: 100 }, (_, contentIndex) =>
    audio.receivedMs({ itemId: 'item_1', contentIndex }),
  );
  expect(remembered.filter((ms) => ms !== undefined)).toHaveLength(64);
});
