import { patternText } from '../../src/dialplan/pattern';
import type { PlanLoad } from '../../src/dialplan/assemble-plan';
import { loadPlan } from '../../src/dialplan/load-plan';
import type { Plan } from '../../src/dialplan/plan';
import { folderReader } from '../../src/dialplan/plan-reader';
import { memoryReader } from './memory-plan-reader';
import { plainBuiltIn } from '../../src/tools/agent-tool';

const agents = 'agents:\n  reception: { instructions: Answer the telephone. }\n';
const routes = 'routes:\n  - { name: all, when: any, answer: reception }\n';

function planOf(load: PlanLoad): Plan {
  if (load.kind === 'refused') throw new Error(JSON.stringify(load.problems));
  return load.plan;
}

const load = async (texts: Record<string, string>) => loadPlan(memoryReader(texts));

test('the default dialplan loads without a warning and answers every call with its receptionist', async () => {
  const loaded = await loadPlan(folderReader('dialplans', { env: {} }));
  expect(loaded.kind).toBe('loaded');
  expect(loaded.warnings).toEqual([]);
  const plan = planOf(loaded);
  expect(plan.agents.get('receptionist')?.tools).toEqual([plainBuiltIn('hang_up')]);
  expect(plan.agents.get('receptionist')?.session).toMatchObject({
    voice: 'marin',
    turn_detection: { type: 'server_vad', silence: 500, create_response: true, interrupt_response: true },
  });
  expect(plan.agents.get('receptionist')?.session.instructions).toContain('hang_up');
  expect(plan.routes).toMatchObject([
    {
      to: undefined,
      from: undefined,
      action: { kind: 'answer', lengthLimitMs: 1_800_000, unavailable: { reject: 480 } },
    },
  ]);
});

test('an agent and a route say only what differs from the defaults', async () => {
  const plan = planOf(await load({ 'a.yaml': agents + routes }));
  expect(plan.agents.get('reception')).toEqual({
    name: 'reception',
    tools: [],
    session: {
      kind: 'agent',
      instructions: 'Answer the telephone.',
      voice: 'marin',
      speed: 1,
      audio_format: 'pcm',
      turn_detection: {
        type: 'server_vad',
        threshold: 0.5,
        prefix: 300,
        silence: 500,
        create_response: true,
        interrupt_response: true,
      },
    },
  });
  expect(plan.routes[0]?.action).toMatchObject({ unavailable: { reject: 480 }, lengthLimitMs: undefined });
});

test('files are read in the order of their names and their routes follow one another', async () => {
  const plan = planOf(
    await load({
      '20-last.yaml': routes,
      '10-first.yaml': 'routes:\n  - { name: closed, when: { from: anonymous }, reject: 603 }\n',
      '15-agents.yaml': agents,
      'readme.md': 'not a dialplan',
    }),
  );
  expect(plan.files).toEqual(['10-first.yaml', '15-agents.yaml', '20-last.yaml']);
  expect(plan.routes.map((route) => route.name)).toEqual(['closed', 'all']);
});

test('instructions may be a file beside the plan', async () => {
  const text = 'agents:\n  reception: { instructions: "file:prompts/deep/reception.md" }\n';
  const plan = planOf(await load({ 'a.yaml': text + routes, 'prompts/deep/reception.md': '\ufeff\nBe kind.\n' }));
  expect(plan.agents.get('reception')?.session.instructions).toBe('Be kind.');
});

test('instructions longer than an agent may have are refused with their length', async () => {
  const text = 'agents:\n  reception: { instructions: "file:long.md" }\n';
  const loaded = await load({ 'a.yaml': text + routes, 'long.md': 'x'.repeat(60_001) });
  expect(loaded.kind === 'refused' ? loaded.problems.map((one) => one.message) : []).toEqual([
    'long.md: 60001 characters',
  ]);
});

test('the hash is of what the plan says: file names, comments and the order of keys do not matter, a word does', async () => {
  const hashOf = async (texts: Record<string, string>) => planOf(await load(texts)).hash;
  const hash = await hashOf({ 'a.yaml': agents + routes });
  expect(hash).toMatch(/^[0-9a-f]{12}$/);
  expect(
    await hashOf({ '1.yaml': `# hello\n${agents}`, '2.yaml': 'routes: [{ when: any, answer: reception, name: all }]' }),
  ).toBe(hash);
  expect(await hashOf({ 'a.yaml': agents.replace('Answer', 'answer') + routes })).not.toBe(hash);
  const fromFile = 'agents:\n  reception: { instructions: "file:p.md" }\n';
  expect(await hashOf({ 'a.yaml': fromFile + routes, 'p.md': 'Answer the telephone.' })).toBe(hash);
  expect(await hashOf({ 'a.yaml': fromFile + routes, 'p.md': 'Answer the phone.' })).not.toBe(hash);
});

test('a bare number in a route is what was typed, with its plus sign and its zeros', async () => {
  const text = `${agents}routes:\n  - { name: a, when: { to: [+33123456789, 0049, 100], from: 1e5 }, answer: reception }\n`;
  const [route] = planOf(await load({ 'a.yaml': text })).routes;
  expect(route?.to?.patterns.map(patternText)).toEqual(['+33123456789', '0049', '100']);
  expect(route?.from?.patterns.map(patternText)).toEqual(['1e5']);
});

test('an alias is its anchor', async () => {
  const text = 'agents:\n  one: &same { instructions: Answer. }\n  two: *same\n';
  const both =
    'routes:\n  - { name: one, when: { to: "1" }, answer: one }\n  - { name: two, when: any, answer: two }\n';
  const plan = planOf(await load({ 'a.yaml': text + both }));
  expect(plan.agents.get('two')?.session).toEqual(plan.agents.get('one')?.session);
});

test('a file beyond the size limit is refused unread', async () => {
  const loaded = await load({ 'a.yaml': `# ${'x'.repeat(1_048_576)}\n${agents}${routes}` });
  expect(loaded.kind === 'refused' ? loaded.problems.map((one) => one.code) : []).toEqual(['DP004']);
});

test('a file of nothing but mistakes has its first hundred told, and that there are more', async () => {
  const keys = Array.from({ length: 5_000 }, (_, index) => `key${index}: !tag x\n`).join('');
  for (const text of [keys.replaceAll('!tag ', ''), `routes:\n${'  - {}\n'.repeat(5_000)}`]) {
    const loaded = await load({ 'a.yaml': text });
    const problems = loaded.kind === 'refused' ? loaded.problems : [];
    expect(problems).toHaveLength(101);
    expect(problems.at(-1)).toMatchObject({ code: 'DP109', file: 'a.yaml', position: undefined });
  }
});

test('a file of nothing but tags is refused before it is read', async () => {
  const loaded = await load({ 'a.yaml': 'key: !tag x\n'.repeat(5_000) });
  expect(loaded.kind === 'refused' ? loaded.problems.map((one) => one.message) : []).toEqual(['nothing but tags']);
});

test('a file with more agents than anyone has is refused', async () => {
  const agents = Array.from({ length: 1_001 }, (_, index) => `  a${index}: { instructions: Answer. }\n`).join('');
  const loaded = await load({ 'a.yaml': `agents:\n${agents}${routes}` });
  expect(loaded.kind === 'refused' ? loaded.problems : []).toMatchObject([{ code: 'DP108', message: '1001 agents' }]);
});

test('too many files are refused', async () => {
  const texts = Object.fromEntries(Array.from({ length: 201 }, (_, index) => [`${index}.yaml`, routes]));
  const loaded = await load(texts);
  expect(loaded.kind === 'refused' ? loaded.problems.map((one) => one.code) : []).toEqual(['DP006']);
});

test('a folder that cannot be read is a problem, not an exception', async () => {
  const loaded = await loadPlan({
    ...memoryReader({}),
    list: () => Promise.reject(new Error('EACCES')),
    read: () => Promise.resolve({ kind: 'missing' }),
  });
  expect(loaded).toMatchObject({ kind: 'refused', problems: [{ code: 'DP001' }] });
});

test('an unreadable file is named beside the problems of the others', async () => {
  const reader = memoryReader({ 'a.yaml': 'agent: {}\n', 'b.yaml': '' });
  const loaded = await loadPlan({
    ...reader,
    read: (name, limit) =>
      name === 'b.yaml' ? Promise.resolve({ kind: 'unreadable', message: 'EIO' }) : reader.read(name, limit),
  });
  const found = loaded.kind === 'refused' ? loaded.problems.map((one) => `${one.file} ${one.code}`) : [];
  expect(found).toEqual(['a.yaml DP201', 'b.yaml DP003']);
});
