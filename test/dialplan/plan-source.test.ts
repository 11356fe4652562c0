import { loadPlan } from '../../src/dialplan/load-plan';
import { recordReads, sourceReader } from '../../src/dialplan/plan-source';
import { memoryReader } from './memory-plan-reader';

const texts = {
  'a.yaml':
    'agents:\n  a: { instructions: "file:prompts/a.md" }\n' +
    'schedules:\n  s: { timezone: UTC, open: ["mon-fri 09:00-18:00"], closed: ["file:holidays.ics"] }\n' +
    'routes:\n  - { name: all, when: { during: s }, answer: a }\n',
  'prompts/a.md': 'Be kind.',
  'holidays.ics':
    'BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20261225\nSUMMARY:Day\nEND:VEVENT\nEND:VCALENDAR\n',
};

test('what a plan was made of makes the same plan again, also in another process and after the folder has changed', async () => {
  const folder: Record<string, string> = { ...texts };
  const { reader, source } = recordReads(memoryReader(folder));
  const load = await loadPlan(reader);
  folder['prompts/a.md'] = 'Be rude.';
  const sent = structuredClone(source);
  const again = await loadPlan(sourceReader(sent));
  const hash = load.kind === 'loaded' ? load.plan.hash : 'refused';
  expect(again).toMatchObject({ kind: 'loaded', plan: { hash, files: ['a.yaml'] } });
  const session = again.kind === 'loaded' ? again.plan.agents.get('a')?.session : undefined;
  expect(session).toMatchObject({ instructions: 'Be kind.' });
});
