import { memoryModel, type MemoryPeer } from '../../src/realtime/memory-connection';
import { VirtualClock } from '../../src/runtime/virtual-clock';
import { endpoint } from './scripted-session';

function connect({ latencyMs = 5, onAccept }: { latencyMs?: number; onAccept?: (peer: MemoryPeer) => void } = {}) {
  const clock = new VirtualClock();
  const log: string[] = [];
  const note = (line: string): void => void log.push(`${clock.now()} ${line}`);
  let peer: MemoryPeer | undefined;
  const model = memoryModel({
    clock,
    latencyMs,
    accept: (accepted) => {
      peer = accepted;
      onAccept?.(accepted);
      return {
        onMessage: (text) => note(`server: ${text}`),
        onClose: ({ code, reason }) => note(`server closed ${code} ${reason}`),
      };
    },
  });
  const client = model(endpoint, {
    onOpen: () => note('open'),
    onMessage: (text) => note(`client: ${text}`),
    onClose: ({ code, reason }) => note(`closed ${code} ${reason}`),
  });
  return { clock, log, client, peer: () => peer as MemoryPeer };
}

test('nothing happens before connect has returned, and what the server says first comes after the open', () => {
  const { clock, log } = connect({ onAccept: (peer) => peer.send('hello') });
  expect(log).toEqual([]);
  clock.advance(100);
  expect(log).toEqual(['10 open', '10 client: hello']);
});

test('messages take the latency each way and keep their order', () => {
  const { clock, log, client, peer } = connect();
  clock.advance(10);
  client.send('a');
  client.send('b');
  peer().send('c');
  clock.advance(100);
  expect(log.slice(1)).toEqual(['15 server: a', '15 server: b', '15 client: c']);
});

test('what the client sends before the open is dropped', () => {
  const { clock, log, client } = connect();
  client.send('too early');
  clock.advance(100);
  expect(log).toEqual(['10 open']);
});

test("the server's close arrives after what it sent before, and not what it sends after", () => {
  const { clock, log, peer } = connect();
  clock.advance(10);
  peer().send('last');
  peer().close(4000, 'no');
  peer().close(1000, 'again');
  peer().send('too late');
  clock.advance(100);
  expect(log.slice(1)).toEqual(['15 client: last', '15 closed 4000 no', '20 server closed 4000 no']);
});

test("the client's close is answered", () => {
  const { clock, log, client } = connect();
  clock.advance(10);
  client.send('bye');
  client.close();
  client.close();
  client.send('too late');
  clock.advance(100);
  expect(log.slice(1)).toEqual(['15 server: bye', '15 server closed 1000 ', '20 closed 1000 ']);
  expect(clock.pendingTimers).toBe(0);
});

test('what was under way when the client closes still arrives', () => {
  const { clock, log, client, peer } = connect();
  clock.advance(10);
  peer().send('crossing');
  client.close();
  clock.advance(100);
  expect(log.slice(1)).toEqual(['15 client: crossing', '15 server closed 1000 ', '20 closed 1000 ']);
});

test('a client that closes while connecting never opens', () => {
  const { clock, log, client } = connect();
  client.close();
  clock.advance(100);
  expect(log).toEqual(['10 closed 1000 ']);
});

test('what a paused server does not read is buffered octets of the client', () => {
  const { clock, log, client, peer } = connect({ latencyMs: 0 });
  clock.advance(0);
  peer().pause();
  client.send('xyz');
  client.send('é');
  clock.advance(0);
  expect(client.bufferedBytes).toBe(5);
  peer().resume();
  expect(client.bufferedBytes).toBe(0);
  expect(log.slice(1)).toEqual(['0 server: xyz', '0 server: é']);
});
