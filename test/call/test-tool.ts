import type { RunnableTool, ToolArguments, ToolContext, ToolResult } from '../../src/tools/tool-run';
import { done } from '../../src/tools/tool-run';
import type { WhileWaiting } from '../../src/tools/while-waiting';

/** A tool that finishes when a test says so. */
export class TestTool implements RunnableTool {
  readonly definition: RunnableTool['definition'];
  readonly timeoutMs = 8_000;
  readonly whileWaiting: WhileWaiting | undefined;
  /** Every run, in order. */
  readonly runs: { parsed: ToolArguments; context: ToolContext; signal: AbortSignal }[] = [];
  readonly #waiting: ((result: ToolResult) => void)[] = [];

  constructor(name = 'look_up', whileWaiting?: Partial<WhileWaiting>) {
    this.definition = { name, description: 'Looks something up.', parameters: { type: 'object' } };
    this.whileWaiting =
      whileWaiting === undefined ? undefined : { afterMs: 1_000, say: undefined, sound: undefined, ...whileWaiting };
  }

  faultIn(parsed: ToolArguments): string | undefined {
    return 'odd' in parsed ? 'There is no argument "odd".' : undefined;
  }

  run(parsed: ToolArguments, context: ToolContext, signal: AbortSignal): Promise<ToolResult> {
    this.runs.push({ parsed, context, signal });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The oldest run that has not finished does. */
  finish(result: ToolResult = done('{"found":true}')): void {
    this.#waiting.shift()?.(result);
  }
}
