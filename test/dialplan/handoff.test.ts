import { agentsAfter, handoffSession } from '../../src/dialplan/handoff';
import { loadPlan } from '../../src/dialplan/load-plan';
import { route } from '../../src/dialplan/route';
import { memoryReader } from './memory-plan-reader';
import { planOf } from './plan-of';

const routes = [{ name: 'all', when: 'any', answer: 'reception' }];
const handing = (handoffs: string[], more: object = {}) => ({
  instructions: 'Answer {{caller.number}}.',
  tools: ['hand_off'],
  handoffs,
  ...more,
});
const textOf = (agents: object) => ({ 'plan.yaml': JSON.stringify({ agents, routes }) });

async function codesOf(agents: object): Promise<string[]> {
  const load = await loadPlan(memoryReader(textOf(agents)));
  return [...(load.kind === 'refused' ? load.problems : []), ...load.warnings].map(({ code }) => code);
}

test.each<[string, object, string[]]>([
  ['unknown', { reception: handing(['billing']) }, ['DP301']],
  ['itself', { reception: handing(['reception']) }, ['DP325']],
  [
    'the simulator, and it is none itself',
    { reception: handing(['b'], { model: 'gpt-realtime-2' }), b: { instructions: 'B.', model: 'simulator:echo' } },
    ['DP325'],
  ],
  ['in no list', { reception: { instructions: 'A.', tools: ['hand_off'] } }, ['DP202']],
  [
    'in a list without the tool',
    { reception: { instructions: 'A.', handoffs: ['b'] }, b: { instructions: 'B.' } },
    ['DP208'],
  ],
  [
    'of another voice, and nobody writes down what the caller says',
    { reception: handing(['b']), b: { instructions: 'B.', voice: 'cedar' } },
    ['DP909'],
  ],
  ['well', { reception: handing(['b']), b: handing(['reception']) }, []],
  [
    'reached by others only that nobody reaches',
    { reception: { instructions: 'A.' }, b: handing(['c']), c: handing(['b']) },
    ['DP901', 'DP901'],
  ],
])('an agent that a call is handed over to is %s', async (_what, agents, codes) => {
  expect(await codesOf(agents)).toEqual(codes);
});

test('a call knows every agent that it may come to, with its variables filled in, and no other', async () => {
  const plan = await planOf(
    textOf({ reception: handing(['b']), b: handing(['c']), c: { instructions: 'Help {{caller.number}}.' } }),
  );
  const call = {
    to: '1',
    from: '+33612345678',
    fromName: '',
    sipCallId: 'x',
    sourceAddress: '',
    header: () => undefined,
  };
  const decision = route(plan, call, { atMs: 0 });
  if (decision.kind !== 'answer') throw new Error('nobody answers');
  expect([...(decision.colleagues?.keys() ?? [])].sort()).toEqual(['b', 'c']);
  expect(decision.colleagues?.get('c')?.session.instructions).toContain('<call_data>+33612345678</call_data>');
});

test('the session stays unless the API fixes what differs', async () => {
  const plan = await planOf(
    textOf({
      reception: handing(['b', 'c', 'd'], { transcription: { model: 'gpt-4o-transcribe' } }),
      b: { instructions: 'B.', speed: 1.2, turn_detection: { type: 'semantic_vad' } },
      c: { instructions: 'C.', voice: 'cedar' },
      d: { instructions: 'D.', audio_format: 'pcmu' },
    }),
  );
  const from = plan.agents.get('reception')!;
  expect(agentsAfter(plan.agents, from).map((to) => [to.name, handoffSession(from, to)])).toEqual([
    ['b', { kind: 'same' }],
    ['c', { kind: 'new', why: 'voice' }],
    ['d', { kind: 'new', why: 'audio-format' }],
  ]);
});
