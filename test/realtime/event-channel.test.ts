import { EventChannel } from '../../src/realtime/event-channel';
import { memoryModel, type MemoryPeer } from '../../src/realtime/memory-connection';
import type { ConnectionClosed } from '../../src/realtime/model-connection';
import type { SessionEnded } from '../../src/realtime/session-listener';
import { silentLogger } from '../../src/runtime/logger';
import { seededRandom } from '../../src/runtime/random';
import { VirtualClock } from '../../src/runtime/virtual-clock';
import { endpoint } from './scripted-session';

function openChannel() {
  const clock = new VirtualClock();
  const sent: Record<string, unknown>[] = [];
  const told: string[] = [];
  const ends: { closed: ConnectionClosed; known: SessionEnded | undefined }[] = [];
  let peer: MemoryPeer | undefined;
  const channel = new EventChannel({
    connect: memoryModel({
      clock,
      accept: (accepted) => {
        peer = accepted;
        return {
          onMessage: (text) => sent.push(JSON.parse(text) as Record<string, unknown>),
          onClose: () => undefined,
        };
      },
    }),
    endpoint,
    clock,
    random: seededRandom(1),
    logger: silentLogger,
    listener: {
      onOpen: () => told.push('open'),
      onEvent: (event) => told.push(event.type),
      onClosing: () => told.push('closing'),
      onClosed: (closed, known) => {
        told.push('closed');
        ends.push({ closed, known });
      },
    },
  });
  const commit = (): void => channel.send({ type: 'input_audio_buffer.commit', event_id: channel.nextEventId() });
  const server = (): MemoryPeer => {
    if (peer === undefined) throw new Error('the channel has not connected yet');
    return peer;
  };
  return { clock, channel, sent, told, ends, commit, server };
}

const known = { type: 'input_audio_buffer.cleared', event_id: 'event_1' };

test('what is sent before it is open, and after it was closed, goes nowhere', () => {
  const { clock, channel, sent, told, commit } = openChannel();
  expect(told).toEqual([]);
  commit();
  clock.advance(0);
  commit();
  channel.close({ kind: 'closed' });
  commit();
  clock.advance(0);
  expect(sent).toHaveLength(1);
  expect(told).toEqual(['open', 'closing', 'closed']);
});

test('no two events have one id', () => {
  const { channel } = openChannel();
  const ids = Array.from({ length: 100 }, () => channel.nextEventId());
  expect(new Set(ids).size).toBe(100);
});

test('what the server still sends while we close is neither told nor counted', () => {
  const { clock, channel, told, server } = openChannel();
  clock.advance(0);
  server().send(JSON.stringify(known));
  clock.advance(0);
  server().send(JSON.stringify(known));
  channel.close({ kind: 'closed' });
  clock.advance(0);
  expect(told).toEqual(['open', 'input_audio_buffer.cleared', 'closing', 'closed']);
  expect(channel.stats.messagesReceived).toBe(1);
});

test('a fatal error gives the close that follows its meaning, and we do not close a second time', () => {
  const { clock, channel, told, ends, server } = openChannel();
  clock.advance(0);
  channel.expectClose({ kind: 'expired' });
  expect(channel.isOpen).toBe(true);
  server().close(1000, '');
  clock.advance(10_000);
  expect(told).toEqual(['open', 'closed']);
  expect(ends).toEqual([{ closed: { code: 1000, reason: '' }, known: { kind: 'expired' } }]);
  expect(clock.pendingTimers).toBe(0);
});

test('a server that does not close after a fatal error is closed by us after a second', () => {
  const { clock, channel, told, ends } = openChannel();
  clock.advance(0);
  channel.expectClose({ kind: 'expired' });
  channel.expectClose({ kind: 'refused', code: 'invalid_model', message: '' });
  clock.advance(999);
  expect(told).toEqual(['open']);
  clock.advance(1);
  expect(told).toEqual(['open', 'closing', 'closed']);
  expect(ends.map((end) => end.known)).toEqual([{ kind: 'expired' }]);
});

test('the first reason wins, and closing twice is fine', () => {
  const { clock, channel, told, ends } = openChannel();
  clock.advance(0);
  channel.close({ kind: 'refused', code: 'audio_format_mismatch', message: '' });
  channel.close({ kind: 'closed' });
  clock.advance(0);
  channel.close({ kind: 'closed' });
  expect(told).toEqual(['open', 'closing', 'closed']);
  expect(ends[0]?.known).toMatchObject({ kind: 'refused' });
});

test('a close that nobody announced is told without a meaning', () => {
  const { clock, ends, server } = openChannel();
  clock.advance(0);
  server().close(1011, 'restart');
  clock.advance(0);
  expect(ends).toEqual([{ closed: { code: 1011, reason: 'restart' }, known: undefined }]);
});

test('a server that keeps sending what is no event is left', () => {
  const { clock, channel, ends, server } = openChannel();
  clock.advance(0);
  for (let count = 0; count < 1_100; count += 1) server().send('nonsense');
  clock.advance(0);
  expect(ends.map((end) => end.known)).toMatchObject([{ kind: 'lost', closeCode: 1002 }]);
  expect(channel.stats).toMatchObject({ messagesReceived: 1_000, messagesRejected: 1_000 });
});
