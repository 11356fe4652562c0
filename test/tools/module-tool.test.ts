import type { AgentTool } from '../../src/tools/agent-tool';
import { moduleTool, readModule } from '../../src/tools/module-tool';
import type { ToolModule } from '../../src/tools/sdk';
import { defineTool, ToolError } from '../../src/tools/sdk';
import type { ToolContext } from '../../src/tools/tool-run';
import { LoggerSpy } from '../support/logger-spy';

const tool: Extract<AgentTool, { kind: 'module' }> = {
  kind: 'module',
  name: 'look_up',
  description: undefined,
  whileWaiting: undefined,
  file: 'x.mjs',
  version: '',
};
const signal = new AbortController().signal;
const context = { runId: 'run-1', call: {}, control: {}, progress: () => undefined } as unknown as ToolContext;

async function runs(run: () => unknown) {
  const log = new LoggerSpy();
  const module: ToolModule = { description: 'Finds.', parameters: { order_id: { type: 'string' } }, run };
  return { result: await moduleTool(tool, module, { logger: log }).run({ order_id: '1' }, context, signal), log };
}

test.each<[string, unknown, string]>([
  ['an object', { state: 'sent' }, '<tool_data>{"state":"sent"}</tool_data>'],
  ['a text', 'It left.', '<tool_data>It left.</tool_data>'],
  ['nothing', undefined, '{"done":true}'],
  ['a function', () => 1, '<tool_data></tool_data>'],
])('what a module returns is told to the model: %s', async (_, value, output) => {
  const { result } = await runs(() => value);
  expect(result).toMatchObject({ kind: 'done', output: expect.stringContaining(output) as string });
});

test('the words of a ToolError are for the model, those of another error for the log', async () => {
  const told = await runs(() => {
    throw new ToolError('There is no such order.');
  });
  expect(told.result).toMatchObject({ why: 'service-failed', output: '{"error":"There is no such order."}' });
  const broken = await runs(() => Promise.reject(new Error('password is wrong')));
  expect(broken.result).toMatchObject({ why: 'broken', output: '{"error":"The tool failed."}' });
  expect(JSON.stringify(broken.log.fields)).toContain('password is wrong');
});

test('what goes round in a circle is a failure, not an exception', async () => {
  const circle: Record<string, unknown> = {};
  circle['self'] = circle;
  expect((await runs(() => circle)).result).toMatchObject({ why: 'broken' });
});

const well = { description: 'Finds.', parameters: {}, run: () => 1 };

test.each<[string, unknown]>([
  ['ESM', { default: well }],
  ['CommonJS', { default: { default: well } }],
])('a default export of %s is found', (_, exported) => expect(readModule(exported)).toBe(well));

test.each<[string, unknown]>([
  ['no default export', undefined],
  ['no description', { default: { ...well, description: '' } }],
  ['no function', { default: { ...well, run: 'x' } }],
  ['a time that is too long', { default: { ...well, timeoutMs: 90_000 } }],
  ['a parameter without a type', { default: { ...well, parameters: { a: {} } } }],
  ['a parameter with an odd name', { default: { ...well, parameters: { 'a b': { type: 'string' } } } }],
  ['an odd enum', { default: { ...well, parameters: { a: { type: 'string', enum: 'x' } } } }],
])('says what is wrong with a file with %s', (_, exported) => expect(typeof readModule(exported)).toBe('string'));

test('the types of the arguments follow from the parameters', () => {
  const typed = defineTool({
    description: 'Finds.',
    parameters: {
      order_id: { type: 'string' },
      detail: { type: 'string', enum: ['state', 'address'], required: false },
      count: { type: 'integer' },
    },
    run: ({ order_id, detail, count }) => {
      const known: { order_id: string; detail: 'state' | 'address' | undefined; count: number } = {
        order_id,
        detail,
        count,
      };
      return known;
    },
  });
  expect(typed.run({ order_id: '1', count: 2 }, {} as never)).toEqual({ order_id: '1', detail: undefined, count: 2 });
});
