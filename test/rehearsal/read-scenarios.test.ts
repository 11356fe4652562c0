import { parseScenarios, readScenarios } from '../../src/rehearsal/read-scenarios';
import { memoryReader } from '../dialplan/memory-plan-reader';

function problems(text: string): string[] {
  const read = parseScenarios('scenarios/one.yaml', text);
  if (read.kind === 'read') return [];
  return read.problems.map(({ code, position, message, nearest }) => {
    return `${position?.line}:${position?.column} ${code} ${message}${nearest === undefined ? '' : ` -> ${nearest}`}`;
  });
}

test('what is left out has its default', () => {
  const read = parseScenarios('one.yaml', 'scenarios: [{ name: a, call: { to: "1" }, expect: { route: r } }]');
  expect(read).toEqual({
    kind: 'read',
    scenarios: [
      {
        name: 'a',
        call: { to: '1', from: 'anonymous', at: '2026-01-05 10:00', source: '', headers: {} },
        tools: {},
        destinations: {},
        steps: [],
        expect: { route: 'r' },
      },
    ],
  });
});

test.each([
  [
    'a misspelt key',
    'scenarios: [{ name: a, call: { to: "1" }, expects: { route: r } }]',
    /^1:43 DP201 .* in a scenario -> expect$/,
  ],
  [
    'two things in one step',
    `scenarios: [{ name: a, call: { to: "1" }, steps: [{ keys: "1", agent: b }], expect: { route: r } }]`,
    /DP206/,
  ],
  [
    'a time that is none',
    'scenarios: [{ name: a, call: { to: "1", at: noon }, expect: { route: r } }]',
    /^1:45 DP206 .*"noon"$/,
  ],
  [
    'keys that no telephone has',
    'scenarios: [{ name: a, call: { to: "1" }, steps: [{ keys: "1x" }], expect: { route: r } }]',
    /DP206/,
  ],
  ['nothing that is expected', 'scenarios: [{ name: a, call: { to: "1" }, expect: {} }]', /DP206/],
  ['no YAML', 'scenarios: [', /DP101/],
])('%s is told with its place', (_what, text, expected) => {
  expect(problems(text)[0]).toMatch(expected);
});

test('a file that cannot be read is a problem', async () => {
  const read = await readScenarios(memoryReader({}), 'scenarios/none.yaml');
  expect(read).toMatchObject({ kind: 'refused', problems: [{ code: 'DP003', file: 'scenarios/none.yaml' }] });
});
