import { runServeCommand } from '../../src/cli/serve';

async function serve(argv: string[], env: Record<string, string> = {}) {
  const err: string[] = [];
  const io = { stdout: () => undefined, stderr: (text: string) => err.push(text), env };
  return { code: await runServeCommand(argv, io), err: err.join('') };
}

test.each(['0', '-1', '65', '1.5', 'two', '', '1e1'])('--workers=%s is no number of workers', async (count) => {
  const { code, err } = await serve([`--workers=${count}`]);
  expect(code).toBe(2);
  expect(err).toMatch(/^ringbridge serve: --workers: expected a whole number from 1 to 64, got "/);
});

test('fewer pairs of RTP ports than workers are refused with one line', async () => {
  const small = await serve(['--workers', '4'], { RINGBRIDGE_RTP_PORTS: '10000-10005' });
  expect(small.code).toBe(2);
  expect(small.err).toBe(
    'ringbridge: RINGBRIDGE_RTP_PORTS: 10000-10005 is too small for --workers 4; a call takes two\n',
  );
});

test('workers and a drachtio-server are refused with one line', async () => {
  const { code, err } = await serve(['--workers', '2'], {
    RINGBRIDGE_DRACHTIO: '127.0.0.1:9022',
    RINGBRIDGE_DRACHTIO_SECRET: 'x',
    RINGBRIDGE_REALTIME_URL: 'simulator',
  });
  expect(code).toBe(2);
  expect(err).toMatch(/^ringbridge: --workers: not with RINGBRIDGE_DRACHTIO;[^\n]*\n$/);
});
