// A timer, socket or server that a test leaves behind fails that test's file: leaks in tests hide leaks in calls.
const watched = new Set([
  'Timeout',
  'UDPWRAP',
  'TCPSERVERWRAP',
  'TCPSocketWrap',
  'TCPWRAP',
  'PROCESSWRAP',
  'ChildProcess',
]);

function openResources(): string[] {
  return process.getActiveResourcesInfo().filter((name) => watched.has(name));
}

let before: string[] = [];

beforeAll(() => {
  before = openResources();
});

afterAll(async () => {
  // Closing a socket takes a turn or two of the event loop.
  for (let turn = 0; turn < 50 && openResources().length > before.length; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  const surplus = openResources().filter((name, index, all) => {
    const allowed = before.filter((other) => other === name).length;
    return all.slice(0, index).filter((other) => other === name).length >= allowed;
  });
  if (surplus.length > 0) throw new Error(`left open after the tests of this file: ${surplus.join(', ')}`);
});
