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

/** What is open now and was not open before, each as often as it is too many. */
function surplus(): string[] {
  return openResources().filter((name, index, all) => {
    const allowed = before.filter((other) => other === name).length;
    return all.slice(0, index).filter((other) => other === name).length >= allowed;
  });
}

beforeAll(() => {
  before = openResources();
});

afterAll(async () => {
  // Closing a socket takes a turn or two of the event loop.
  for (let turn = 0; turn < 50 && surplus().length > 0; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  const left = surplus();
  if (left.length > 0) throw new Error(`left open after the tests of this file: ${left.join(', ')}`);
});
