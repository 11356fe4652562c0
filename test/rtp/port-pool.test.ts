import { seededRandom } from '../../src/runtime/random';
import { VirtualClock } from '../../src/runtime/virtual-clock';
import { PortPool, portQuarantineMs, PortsExhausted } from '../../src/rtp/port-pool';

function pool(first: number, last: number) {
  const clock = new VirtualClock();
  return { clock, ports: new PortPool({ clock, random: seededRandom(1), first, last }) };
}

const opens = (port: number): Promise<number> => Promise.resolve(port);

function addressInUse(): Error {
  return Object.assign(new Error('bind EADDRINUSE'), { code: 'EADDRINUSE' });
}

test('every even port that has its odd one inside the range is handed out once', async () => {
  const { ports } = pool(10_001, 10_010);
  const leased = [];
  for (let n = 0; n < 4; n += 1) leased.push((await ports.lease(opens)).port);
  expect([...leased].sort()).toEqual([10_002, 10_004, 10_006, 10_008]);
  await expect(ports.lease(opens)).rejects.toThrow(PortsExhausted);
  expect(ports.leasedPairs).toBe(4);
});

test('ports come in random order', async () => {
  const { ports } = pool(10_000, 10_199);
  const leased = [];
  for (let n = 0; n < 100; n += 1) leased.push((await ports.lease(opens)).port);
  expect(leased).not.toEqual([...leased].sort());
});

test('a returned pair rests for the quarantine and is then handed out again', async () => {
  const { clock, ports } = pool(10_000, 10_001);
  ports.release((await ports.lease(opens)).port);
  clock.advance(portQuarantineMs - 1);
  await expect(ports.lease(opens)).rejects.toThrow('no even port is free from 10000 to 10001');
  clock.advance(1);
  expect((await ports.lease(opens)).port).toBe(10_000);
});

test('returning a pair twice does not make it two', async () => {
  const { clock, ports } = pool(10_000, 10_001);
  const { port } = await ports.lease(opens);
  ports.release(port);
  ports.release(port);
  clock.advance(portQuarantineMs);
  await ports.lease(opens);
  await expect(ports.lease(opens)).rejects.toThrow(PortsExhausted);
});

test('a pair that another program has taken is passed over', async () => {
  const { ports } = pool(10_000, 10_003);
  const tried: number[] = [];
  const lease = await ports.lease((port) => {
    tried.push(port);
    return tried.length === 1 ? Promise.reject(addressInUse()) : Promise.resolve('open');
  });
  expect(tried).toHaveLength(2);
  expect(lease).toEqual({ port: tried[1], opened: 'open' });
});

test('when all are taken it says so, with the reason', async () => {
  const { ports } = pool(10_000, 10_003);
  const cause = addressInUse();
  await expect(ports.lease(() => Promise.reject(cause))).rejects.toMatchObject({ name: 'PortsExhausted', cause });
});

test('any other failure is passed on, and the pair is not lost', async () => {
  const { clock, ports } = pool(10_000, 10_001);
  await expect(ports.lease(() => Promise.reject(new Error('no such address')))).rejects.toThrow('no such address');
  clock.advance(portQuarantineMs);
  expect((await ports.lease(opens)).port).toBe(10_000);
});

test('both ports of a pair in use are known to be ours', async () => {
  const { ports } = pool(10_000, 10_003);
  const { port } = await ports.lease(opens);
  expect([port, port + 1].map((each) => ports.isLeased(each))).toEqual([true, true]);
  ports.release(port);
  expect(ports.isLeased(port)).toBe(false);
});

test('a range without a pair is a mistake that shows at once', () => {
  expect(() => pool(10_001, 10_001)).toThrow('the port range holds no pair of ports');
});
