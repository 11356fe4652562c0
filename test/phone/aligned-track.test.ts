import { AlignedTrack } from '../../src/phone/aligned-track';

const frame = (value: number): Int16Array => new Int16Array(160).fill(value);

function trackOf(frames: [value: number, atMs: number][], lengthMaxMs = 10_000): AlignedTrack {
  const track = new AlignedTrack({ rateHz: 8_000, lengthMaxMs });
  for (const [value, atMs] of frames) track.append(frame(value), atMs);
  return track;
}

/** The value of each 20 ms. */
const shape = (track: AlignedTrack): number[] =>
  Array.from({ length: track.length / 160 }, (_, i) => track.toSamples(track.length)[i * 160] ?? NaN);

test('the first frame lies where it came', () => {
  expect(shape(trackOf([[1, 40]]))).toEqual([0, 0, 1]);
});

test('jitter makes no seam', () => {
  const track = trackOf([
    [1, 0],
    [2, 35],
    [3, 36],
    [4, 75],
  ]);
  expect(shape(track)).toEqual([1, 2, 3, 4]);
});

test('a real gap is silence, and what follows lies where it came', () => {
  const track = trackOf([
    [1, 0],
    [2, 200],
    [3, 220],
  ]);
  expect(shape(track)).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 3]);
});

test('frames that come in a burst are all kept, in order', () => {
  const track = trackOf([1, 2, 3, 4, 5].map((value) => [value, 0]));
  expect(shape(track)).toEqual([1, 2, 3, 4, 5]);
});

test('the limit is kept and told', () => {
  const track = trackOf(
    [
      [1, 0],
      [2, 20],
      [3, 40],
    ],
    40,
  );
  expect(shape(track)).toEqual([1, 2]);
  expect(track.full).toBe(true);
});

test('both directions can be had at one length', () => {
  expect(trackOf([[1, 0]]).toSamples(480)).toHaveLength(480);
});
