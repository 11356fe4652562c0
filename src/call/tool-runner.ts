import type { FunctionResult } from '../realtime/function-calls';
import type { FunctionCall } from '../realtime/session-listener';
import type { Clock, Timer } from '../runtime/clock';
import { messageOf } from '../runtime/errors';
import type { Logger } from '../runtime/logger';
import type { Random } from '../runtime/random';
import type { AgentTool } from '../tools/agent-tool';
import type { CallControl } from '../tools/call-control';
import { canonicalJson } from '../tools/json-value';
import { oneLine } from '../tools/outside-text';
import { parseArguments } from '../tools/tool-parameters';
import type {
  CallFacts,
  RunnableTool,
  ServerDefinition,
  ToolArguments,
  ToolDefinition,
  ToolResult,
} from '../tools/tool-run';
import { failed } from '../tools/tool-run';
import type { CallEvent } from './call-observer';
import type { Occupations } from './occupations';
import { ToolWaiting } from './tool-waiting';

/** Why a result reaches nobody: its run was given up before, its call is over, or the session did not take it. */
export type DiscardReason = 'late' | 'ended' | 'refused';

/** The tools of this process, as a call needs them. */
export interface CallTools {
  /** Undefined when the agent has no tool of that name. */
  find(tools: readonly AgentTool[], name: string): RunnableTool | undefined;
  /** What a model is told that it may use. */
  definitions(tools: readonly AgentTool[]): readonly (ToolDefinition | ServerDefinition)[];
  /** Counts a result that came to nothing. */
  discarded(reason: DiscardReason): void;
}

/** The conversation that tools run in. */
export interface ToolHost {
  /** Results that are there at the same moment. For each, whether the model gets it. */
  submit(results: readonly FunctionResult[]): boolean[];
  emit(event: CallEvent): void;
  /** What a tool may do to the call, on behalf of one function call. */
  controlFor(call: FunctionCall): CallControl;
  /** Nobody speaks, and no answer is on its way. */
  isQuiet(): boolean;
  /** Has the agent say a sentence now; false when it cannot. */
  say(sentence: string): boolean;
  waitingSound(isOn: boolean): void;
}

export interface ToolRunnerOptions {
  clock: Clock;
  random: Random;
  logger: Logger;
  tools: CallTools;
  agentTools: readonly AgentTool[];
  facts: CallFacts;
  occupations: Occupations;
  host: ToolHost;
}

/** At the same time, and in one call altogether: a model that loops must not load a service for an hour. */
const runsAtOnceMax = 8;
const runsMax = 200;
const nameCharactersMax = 64;
const progressCharactersMax = 200;

/** A tool at work. */
interface Run {
  readonly name: string;
  /** Name and arguments: a run that was asked for once more is the same run. */
  readonly key: string;
  /** Every function call that waits for this run. */
  readonly callIds: string[];
  readonly startedAtMs: number;
  readonly abort: AbortController;
  deadline: Timer | undefined;
  endOccupation: () => void;
}

/**
 * Runs the tools of one call while caller and model go on talking. Each function call gets exactly one result, in time:
 * what comes later, twice or after the end is discarded and counted. What the caller says never stops a tool, and never
 * starts it again: the same call with the same arguments joins the run that is under way.
 */
export class ToolRunner {
  readonly #options: ToolRunnerOptions;
  #agentTools: readonly AgentTool[];
  #facts: CallFacts;
  readonly #waiting: ToolWaiting;
  readonly #running = new Set<Run>();
  #runs = 0;
  #closed = false;

  constructor(options: ToolRunnerOptions) {
    this.#options = options;
    this.#agentTools = options.agentTools;
    this.#facts = options.facts;
    this.#waiting = new ToolWaiting({ clock: options.clock, host: options.host });
  }

  /** Does what the model asks for. Never throws. */
  start(call: FunctionCall): void {
    if (this.#closed) return;
    const { tools } = this.#options;
    const name = call.name.slice(0, nameCharactersMax);
    const tool = tools.find(this.#agentTools, call.name);
    if (tool === undefined) {
      this.#refuse(call, failed('unknown-tool', `There is no tool named ${JSON.stringify(name)}.`));
      return;
    }
    const parsed = parseArguments(call.argumentsText);
    const fault = parsed === undefined ? 'The arguments are not a JSON object.' : tool.faultIn(parsed);
    if (parsed === undefined || fault !== undefined) {
      this.#refuse(call, failed('bad-arguments', fault ?? ''));
      return;
    }
    const key = `${name} ${canonicalJson(parsed)}`;
    const same = [...this.#running].find((run) => run.key === key);
    if (same !== undefined) {
      same.callIds.push(call.callId);
      return;
    }
    if (this.#running.size >= runsAtOnceMax || this.#runs >= runsMax) {
      this.#refuse(call, failed('too-many', 'Too many tools were called. Go on without.'));
      return;
    }
    this.#run({ call, tool, parsed, key, name });
  }

  /** Another agent asks from now on; what runs goes on, and its results are for that agent. */
  follow({ name, tools }: { name: string; tools: readonly AgentTool[] }): void {
    this.#agentTools = tools;
    this.#facts = { ...this.#facts, agent: name };
  }

  /** Somebody began or stopped to speak: perhaps the caller waits in silence now. */
  lineChanged(): void {
    this.#waiting.lineChanged();
  }

  /** Gives up every run, and tells observers. Twice is fine. */
  close(): void {
    this.#closed = true;
    this.#waiting.close();
    for (const run of [...this.#running]) {
      this.#leave(run);
      for (const callId of run.callIds) this.#tell(run, callId, { outcome: 'cancelled', failure: undefined });
      run.abort.abort();
    }
  }

  #run(begun: { call: FunctionCall; tool: RunnableTool; parsed: ToolArguments; key: string; name: string }): void {
    const { call, tool, parsed, key, name } = begun;
    const { clock, occupations, host } = this.#options;
    this.#runs += 1;
    const run: Run = {
      name,
      key,
      callIds: [call.callId],
      startedAtMs: clock.now(),
      abort: new AbortController(),
      deadline: undefined,
      endOccupation: occupations.begin('tool'),
    };
    this.#running.add(run);
    host.emit({ kind: 'tool-started', name, callId: call.callId });
    // An observer may have ended the call.
    if (!this.#running.has(run)) return;
    const result = this.#begin(run, { call, tool, parsed });
    if (!(result instanceof Promise)) {
      this.#settle(run, result);
      return;
    }
    run.deadline = clock.setTimer(tool.timeoutMs, () => {
      this.#settle(run, failed('timed-out', 'The tool did not answer in time.'));
      run.abort.abort();
    });
    this.#waiting.add(run, tool.whileWaiting);
    result.then(
      (settled) => this.#settle(run, settled),
      (cause: unknown) => this.#settle(run, this.#broken(name, cause)),
    );
  }

  #begin(
    run: Run,
    { call, tool, parsed }: { call: FunctionCall; tool: RunnableTool; parsed: ToolArguments },
  ): ToolResult | Promise<ToolResult> {
    const { random, host } = this.#options;
    const progress = (sentence: string): void => {
      this.#waiting.progress(run, oneLine(sentence, progressCharactersMax));
    };
    try {
      const context = { runId: random.uuid(), call: this.#facts, control: host.controlFor(call), progress };
      return tool.run(parsed, context, run.abort.signal);
    } catch (cause) {
      return this.#broken(run.name, cause);
    }
  }

  /** The first outcome of a run counts. */
  #settle(run: Run, result: ToolResult): void {
    if (!this.#running.has(run)) {
      this.#options.tools.discarded(this.#closed ? 'ended' : 'late');
      return;
    }
    this.#leave(run);
    this.#submit(run.callIds, result);
    for (const callId of run.callIds) {
      const outcome = result.kind === 'failed' ? 'failed' : 'done';
      this.#tell(run, callId, { outcome, failure: result.kind === 'failed' ? result.why : undefined });
    }
    this.#waiting.lineChanged();
  }

  #leave(run: Run): void {
    this.#running.delete(run);
    run.deadline?.cancel();
    run.endOccupation();
    this.#waiting.remove(run);
  }

  #refuse(call: FunctionCall, result: ToolResult): void {
    this.#submit([call.callId], result);
    const failure = result.kind === 'failed' ? result.why : undefined;
    const name = call.name.slice(0, nameCharactersMax);
    this.#options.host.emit({
      kind: 'function-call',
      name,
      callId: call.callId,
      outcome: 'failed',
      failure,
      durationMs: 0,
    });
  }

  #submit(callIds: readonly string[], result: ToolResult): void {
    if (result.kind === 'pending') return;
    const respond = result.kind === 'done' ? result.respond : true;
    const { host, tools } = this.#options;
    const taken = host.submit(callIds.map((callId) => ({ callId, output: result.output, respond })));
    for (const isTaken of taken) if (!isTaken) tools.discarded('refused');
  }

  #tell(
    run: Run,
    callId: string,
    end: Pick<Extract<CallEvent, { kind: 'function-call' }>, 'outcome' | 'failure'>,
  ): void {
    const durationMs = Math.round(this.#options.clock.now() - run.startedAtMs);
    this.#options.host.emit({ kind: 'function-call', name: run.name, callId, durationMs, ...end });
  }

  #broken(name: string, cause: unknown): ToolResult {
    this.#options.logger.error(
      { functionName: name, error: messageOf(cause), stack: cause instanceof Error ? cause.stack : undefined },
      'a tool failed',
    );
    return failed('broken', 'The tool failed.');
  }
}
