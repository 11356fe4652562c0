import type { CallControl } from '../../src/tools/call-control';
import { runTool, toolDefinitions } from '../../src/tools/run-tool';
import type { BuiltInTool } from '../../src/tools/tool-schema';

function run(name: string, argumentsText: string, allowed: readonly BuiltInTool[] = ['hang_up']) {
  const hangUps: string[] = [];
  const control: CallControl = {
    hangUpWhenHeard: (why) => void hangUps.push(why),
    transferWhenHeard: () => 'waiting',
  };
  return { outcome: runTool({ name, argumentsText, allowed, control }), hangUps };
}

describe('runTool', () => {
  test('hang_up asks the call to end when everything was heard, and answers nothing', () => {
    const { outcome, hangUps } = run('hang_up', '{"reason":"all done"}');
    expect(outcome).toEqual({ kind: 'pending' });
    expect(hangUps).toEqual(['all done']);
  });

  test('hang_up needs no arguments', () => {
    expect(run('hang_up', '').hangUps).toEqual(['']);
  });

  test('a tool that the agent was not given is refused', () => {
    const { outcome, hangUps } = run('hang_up', '{}', []);
    expect(outcome).toMatchObject({ kind: 'output', failed: true });
    expect(hangUps).toEqual([]);
  });

  test.each(['not json', '[]', '3', 'null', `{"a":"${'x'.repeat(40_000)}"}`])(
    'refuses arguments that are no object: %.20s',
    (text) => {
      const { outcome, hangUps } = run('hang_up', text);
      expect(outcome).toMatchObject({ kind: 'output', failed: true });
      expect(hangUps).toEqual([]);
    },
  );

  test('names of prototype members are not tools', () => {
    expect(run('constructor', '{}').outcome).toMatchObject({ failed: true });
  });

  test('defines each tool with a JSON Schema object', () => {
    expect(toolDefinitions(['hang_up'])).toEqual([
      expect.objectContaining({ name: 'hang_up', parameters: expect.objectContaining({ type: 'object' }) }),
    ]);
  });
});
