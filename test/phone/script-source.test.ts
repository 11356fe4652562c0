import { ScriptSource, type ScriptStep } from '../../src/phone/script-source';

const speech = (durationMs: number): Int16Array => new Int16Array(durationMs * 8).fill(5_000);
const loud = new Int16Array(160).fill(8_000);

/** Runs the script for 20 ms steps; `agentSpeaks` says when the other side makes a sound. */
function run(steps: ScriptStep[], untilMs: number, agentSpeaks: (atMs: number) => boolean = () => false): string[] {
  const source = new ScriptSource(steps);
  const happened: string[] = [];
  let atMs = 0;
  let sounding = false;
  source.begin({
    press: (digit) => happened.push(`${atMs} press ${digit}`),
    hangUp: () => happened.push(`${atMs} hang up`),
  });
  for (; atMs < untilMs; atMs += 20) {
    const frame = new Int16Array(160);
    source.pull(frame);
    if ((frame[0] !== 0) !== sounding) happened.push(`${atMs} ${sounding ? 'silent' : 'speaks'}`);
    sounding = frame[0] !== 0;
    if (agentSpeaks(atMs)) source.hear(loud);
  }
  if (source.finished) happened.push('finished');
  return happened;
}

test('steps come at their time, and none before the one ahead has ended', () => {
  const steps: ScriptStep[] = [
    { atMs: 100, play: speech(200) },
    { atMs: 200, press: '5' },
    { afterPreviousMs: 60, play: speech(40) },
  ];
  expect(run(steps, 600)).toEqual(['100 speaks', '300 press 5', '300 silent', '360 speaks', '400 silent', 'finished']);
});

test('it answers when the agent has spoken and been quiet', () => {
  const steps: ScriptStep[] = [
    { agentQuietMs: 500, play: speech(100) },
    { agentQuietMs: 500, hangUp: true },
  ];
  const agent = (atMs: number): boolean => (atMs >= 200 && atMs < 1_000) || (atMs >= 3_000 && atMs < 3_100);
  expect(run(steps, 4_000, agent)).toEqual(['1500 speaks', '1600 silent', '3600 hang up', 'finished']);
});

test('it does not take the silence before the agent has spoken for an end', () => {
  expect(run([{ agentQuietMs: 200, hangUp: true }], 5_000)).toEqual([]);
});

test('it interrupts an agent that has been speaking for long enough, pauses for breath included', () => {
  const agent = (atMs: number): boolean => atMs >= 1_000 && atMs % 1_000 < 800;
  const steps: ScriptStep[] = [{ agentSpeakingMs: 1_500, play: speech(40) }];
  expect(run(steps, 4_000, agent)[0]).toBe('2520 speaks');
});

test('short bursts of the agent are no speech to interrupt', () => {
  const agent = (atMs: number): boolean => atMs % 1_000 < 100;
  expect(run([{ agentSpeakingMs: 500, hangUp: true }], 5_000, agent)).toEqual([]);
});
