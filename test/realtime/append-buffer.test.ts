import { encodeG711 } from '../../src/audio/g711';
import { AppendBuffer } from '../../src/realtime/append-buffer';
import type { ModelConnection } from '../../src/realtime/model-connection';

function fakeConnection() {
  const texts: string[] = [];
  const connection = { bufferedBytes: 0, send: (text: string) => void texts.push(text), close: () => undefined };
  const audio = (): Buffer[] =>
    texts.map((text) => Buffer.from((JSON.parse(text) as { audio: string }).audio, 'base64'));
  return { connection: connection satisfies ModelConnection, texts, audio };
}

const frameOf = (samples: number, first: number): Int16Array =>
  Int16Array.from({ length: samples }, (_, i) => first + i);

test('each PCM frame goes out at once, little-endian', () => {
  const { connection, audio } = fakeConnection();
  const buffer = new AppendBuffer({ format: 'pcm', framesPerAppend: 1 });
  buffer.push(frameOf(480, -240), connection);
  const [bytes] = audio();
  expect(bytes).toHaveLength(960);
  expect([bytes?.readInt16LE(0), bytes?.readInt16LE(958)]).toEqual([-240, 239]);
});

test.each(['pcmu', 'pcma'] as const)('a frame at 8 kHz becomes 160 octets of %s', (law) => {
  const { connection, audio } = fakeConnection();
  const frame = frameOf(160, -80).map((sample) => sample * 100);
  const expected = new Uint8Array(160);
  encodeG711(law, frame, expected);
  new AppendBuffer({ format: law, framesPerAppend: 1 }).push(frame, connection);
  expect(audio()).toEqual([Buffer.from(expected)]);
});

test.each(['pcm', 'pcmu'] as const)('three %s frames to an append keep their order', (format) => {
  const frames = [0, 1_000, 2_000, 3_000, 4_000, 5_000].map((first) => frameOf(format === 'pcm' ? 480 : 160, first));
  const single = fakeConnection();
  const batched = fakeConnection();
  const one = new AppendBuffer({ format, framesPerAppend: 1 });
  const three = new AppendBuffer({ format, framesPerAppend: 3 });
  for (const frame of frames) {
    one.push(frame, single.connection);
    three.push(frame, batched.connection);
  }
  expect(batched.texts).toHaveLength(2);
  expect(Buffer.concat(batched.audio())).toEqual(Buffer.concat(single.audio()));
  expect(three.framesAppended).toBe(6);
});

test('the frame is copied: its owner may reuse it', () => {
  const { connection, audio } = fakeConnection();
  const buffer = new AppendBuffer({ format: 'pcm', framesPerAppend: 2 });
  const frame = frameOf(480, 5);
  buffer.push(frame, connection);
  frame.fill(0);
  buffer.push(frame, connection);
  expect(audio()[0]?.readInt16LE(0)).toBe(5);
});

test('while two seconds wait in the connection, whole frames are dropped and counted', () => {
  const { connection, texts } = fakeConnection();
  const buffer = new AppendBuffer({ format: 'pcm', framesPerAppend: 1 });
  connection.bufferedBytes = 128_000;
  buffer.push(frameOf(480, 0), connection);
  expect(texts).toHaveLength(1);
  connection.bufferedBytes = 128_001;
  buffer.push(frameOf(480, 0), connection);
  buffer.push(frameOf(480, 0), connection);
  expect(texts).toHaveLength(1);
  connection.bufferedBytes = 0;
  buffer.push(frameOf(480, 7), connection);
  expect(texts).toHaveLength(2);
  expect({ appended: buffer.framesAppended, dropped: buffer.framesDropped }).toEqual({ appended: 2, dropped: 2 });
});

test('a frame of another length is a bug of ours', () => {
  const { connection } = fakeConnection();
  const buffer = new AppendBuffer({ format: 'pcm', framesPerAppend: 1 });
  expect(() => buffer.push(frameOf(160, 0), connection)).toThrow('20 ms at the rate of the session');
});

test('speech that goes beside the frames makes none of them late while it is on its way', () => {
  const { connection, audio } = fakeConnection();
  const buffer = new AppendBuffer({ format: 'pcm', framesPerAppend: 1 });
  const base64 = buffer.encodeBeside({ 8_000: frameOf(160 * 500, 0), 24_000: frameOf(480 * 500, 0) });
  expect(Buffer.from(base64, 'base64')).toHaveLength(480 * 500 * 2);
  connection.bufferedBytes = base64.length + 100_000;
  buffer.push(frameOf(480, 0), connection);
  expect(audio()).toHaveLength(1);
  connection.bufferedBytes = base64.length + 200_000;
  buffer.push(frameOf(480, 0), connection);
  expect(buffer.framesDropped).toBe(1);
  // It has left: what waits now is the caller's own.
  connection.bufferedBytes = 0;
  buffer.push(frameOf(480, 0), connection);
  connection.bufferedBytes = 200_000;
  buffer.push(frameOf(480, 0), connection);
  expect(buffer.framesDropped).toBe(2);
});
