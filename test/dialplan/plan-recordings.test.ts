import { encodeWav } from '../../src/audio/wav';
import { loadPlan } from '../../src/dialplan/load-plan';
import { memoryReader } from './memory-plan-reader';
import { planOf } from './plan-of';

// Files that are missing, outside or no WAV: test/fixtures/dialplans/broken/waiting-that-cannot-be-played.

const wav = (seconds: number, rateHz = 8_000, level = 100) =>
  encodeWav([new Int16Array(seconds * rateHz).fill(level)], rateHz);

function planWith(...waiting: string[]): string {
  const destinations = Object.fromEntries(
    waiting.map((sound, i) => [`d${i}`, { to: `sip:${i}@pbx.example.com`, waiting: sound }]),
  );
  const agents = {
    a: { instructions: 'Answer.', tools: ['transfer_call'], transfers: Object.keys(destinations) },
  };
  return JSON.stringify({ destinations, agents, routes: [{ name: 'all', when: 'any', answer: 'a' }] });
}

async function problemsOf(files: Record<string, string | Buffer>): Promise<string[]> {
  const load = await loadPlan(memoryReader(files));
  return load.kind === 'refused' ? load.problems.map(({ code, message }) => `${code} ${message}`) : [];
}

test('a recording stands in the plan at both rates, once for all destinations that play it', async () => {
  const plan = await planOf({ 'plan.yaml': planWith('file:a/hold.wav', 'file:a/hold.wav'), 'a/hold.wav': wav(2) });
  const [one, other] = [...plan.destinations.values()].map(({ waiting }) => waiting);
  expect(one).toBe(other);
  expect(one).toMatchObject({ 8_000: { length: 16_000 }, 24_000: { length: 48_000 } });
});

test('another recording under the same name is another plan', async () => {
  const hashOf = async (level: number) =>
    (await planOf({ 'plan.yaml': planWith('file:hold.wav'), 'hold.wav': wav(1, 8_000, level) })).hash;
  expect(await hashOf(100)).toBe(await hashOf(100));
  expect(await hashOf(100)).not.toBe(await hashOf(200));
});

test('the same recording under another name is the same plan', async () => {
  const hashOf = async (name: string) => (await planOf({ 'plan.yaml': planWith(`file:${name}`), [name]: wav(1) })).hash;
  expect(await hashOf('one.wav')).toBe(await hashOf('other.wav'));
});

test('three minutes are the longest', async () => {
  const files = { 'plan.yaml': planWith('file:hold.wav') };
  expect(await problemsOf({ ...files, 'hold.wav': wav(181) })).toEqual(['DP318 hold.wav: 181.0 seconds']);
});

test('a file is not read when it is larger than a recording can be', async () => {
  const files = { 'plan.yaml': planWith('file:hold.wav'), 'hold.wav': Buffer.alloc(10_485_761) };
  expect(await problemsOf(files)).toEqual(['DP318 hold.wav: the file is too large']);
});

test('ten minutes are the most for a plan, and a recording that is played twice counts once', async () => {
  const names = ['a', 'b', 'a', 'c', 'c', 'd'].map((name) => `${name}.wav`);
  const files = Object.fromEntries(names.map((name) => [name, wav(175)]));
  expect(await problemsOf({ ...files, 'plan.yaml': planWith(...names.map((name) => `file:${name}`)) })).toEqual([
    'DP318 d.wav: the recordings of the plan are longer than 10 minutes together',
  ]);
});

test.each(['not RIFF', 'RIFF____WAVE', Buffer.from([0, 255, 254])])(
  '%p is a problem, no exception',
  async (content) => {
    const [problem] = await problemsOf({ 'plan.yaml': planWith('file:hold.wav'), 'hold.wav': content });
    expect(problem).toMatch(/^DP318 hold\.wav: not a WAV file that can be read/);
  },
);
