import { loadPlan } from '../../src/dialplan/load-plan';
import { memoryReader } from './memory-plan-reader';

/** Code, line and message of each problem of a plan whose agent has these keys. */
async function problemsOf(agent: string, tools = ''): Promise<string[]> {
  const text = [
    'destinations:',
    '  sales: { to: "sip:600@pbx.example.com" }',
    ...(tools === '' ? [] : ['tools:', tools]),
    'agents:',
    '  reception:',
    '    instructions: Be kind.',
    `    ${agent}`,
    'routes:',
    '  - { name: sales, when: { to: "5" }, bridge: sales }',
    '  - { name: calls, when: any, answer: reception }',
  ].join('\n');
  const load = await loadPlan(memoryReader({ 'a.yaml': text }));
  const problems = load.kind === 'refused' ? load.problems : load.warnings;
  return problems.map(({ code, message }) => `${code} ${message}`);
}

test('an agent that may transfer and names where is well', async () => {
  expect(await problemsOf('tools: [transfer_call]\n    transfers: [sales]')).toEqual([]);
});

test('an agent that may transfer to nowhere is refused', async () => {
  expect(await problemsOf('tools: [hang_up, transfer_call]')).toEqual([
    'DP202 agent "reception" may transfer calls, and to no destination',
  ]);
});

test('destinations of an agent that may not transfer are refused', async () => {
  expect(await problemsOf('tools: [hang_up]\n    transfers: [sales]')).toEqual([
    'DP208 "transfers" has no effect on an agent without transfer_call',
  ]);
});

test('another name that the plan gives the tool counts like its own', async () => {
  const tools = '  put_through: { builtin: transfer_call }';
  expect(await problemsOf('tools: [put_through]\n    transfers: [sales]', tools)).toEqual([]);
  expect(await problemsOf('tools: [put_through]', tools)).toEqual([
    'DP202 agent "reception" may transfer calls, and to no destination',
  ]);
});

test('a tool of the plan that only sounds like it does not', async () => {
  const tools = '  transfer_money: { description: Send it., http: { url: "https://bank.example.com" } }';
  expect(await problemsOf('tools: [transfer_money]\n    transfers: [sales]', tools)).toEqual([
    'DP208 "transfers" has no effect on an agent without transfer_call',
  ]);
});

test('agents and tools that are no maps are told of once, and by others', async () => {
  const load = await loadPlan(memoryReader({ 'a.yaml': 'agents: { reception: 5 }\ntools: { x: 7 }\nroutes: []\n' }));
  const messages = load.kind === 'refused' ? load.problems.map(({ message }) => message) : [];
  expect(messages.filter((message) => message.includes('transfer'))).toEqual([]);
  expect(load.kind).toBe('refused');
});
