import { problemAt, rawEntries } from './plan-file';
import type { PlanFile } from './plan-file';
import { problemCodes } from './plan-problem';
import type { PlanProblem } from './plan-problem';
import type { Agent, Plan } from './plan';
import { handoffSession } from './handoff';
import { isMap, type RawMap } from './raw-map';

const simulatorPrefix = 'simulator:';

/** Agents that cannot take a call over from those that name them. That a name is unknown is told elsewhere. */
export function handoffProblems(files: readonly PlanFile[]): PlanProblem[] {
  const agents = new Map(files.flatMap((file) => rawEntries(file, 'agents')).map(([name, agent]) => [name, agent]));
  return files.flatMap((file) =>
    rawEntries(file, 'agents').flatMap(([name, agent]) => {
      if (!isMap(agent) || !Array.isArray(agent['handoffs'])) return [];
      return agent['handoffs'].flatMap((to: unknown, index): PlanProblem[] => {
        const fault = faultOf({ name, agent }, { name: to, agent: agents.get(String(to)) });
        if (fault === undefined) return [];
        const problem = { code: problemCodes.handoffImpossible, ...fault };
        return [problemAt(file, ['agents', name, 'handoffs', index], problem)];
      });
    }),
  );
}

function faultOf(
  from: { name: string; agent: RawMap },
  to: { name: unknown; agent: unknown },
): { message: string; expected: string } | undefined {
  if (to.name === from.name) {
    return { message: `agent "${from.name}" cannot hand calls over to itself`, expected: 'another agent' };
  }
  if (!isMap(to.agent)) return undefined;
  const kinds = [from.agent['kind'] ?? 'agent', to.agent['kind'] ?? 'agent'];
  const other = kinds.find((kind) => kind !== 'agent');
  if (typeof other === 'string') {
    const message = `an agent of kind ${other} neither hands calls over nor takes them over`;
    return { message, expected: 'two agents of kind agent' };
  }
  const models = [from.agent['model'], to.agent['model']];
  const simulated = models.filter((model) => typeof model === 'string' && model.startsWith(simulatorPrefix));
  if (simulated.length !== 1 || models.includes(undefined)) return undefined;
  const message = 'one of the two agents is the simulator, and the other one is not';
  return { message, expected: 'models of the API for both, or the simulator for both' };
}

/** Agents that hand over to another session of the API without anybody having written down what the caller said. */
export function handoffWarnings(files: readonly PlanFile[], plan: Plan): PlanProblem[] {
  return files.flatMap((file) =>
    rawEntries(file, 'agents').flatMap(([name]) => {
      const agent = plan.agents.get(name);
      if (agent?.handoffs === undefined || agent.session.transcription !== undefined) return [];
      return agent.handoffs.flatMap((to, index): PlanProblem[] => {
        const message = whatIsForgotten(agent, plan.agents.get(to));
        if (message === undefined) return [];
        const expected = `transcription: { model: gpt-4o-transcribe } in agent "${name}"`;
        const problem = { code: problemCodes.handoffForgets, message, expected, severity: 'warning' } as const;
        return [problemAt(file, ['agents', name, 'handoffs', index], problem)];
      });
    }),
  );
}

/** Keys of agents that no route answers with: a call that is handed over is greeted and limited already. */
export function greetingWarnings(files: readonly PlanFile[], plan: Plan): PlanProblem[] {
  const answering = new Set(plan.routes.flatMap(({ action }) => (action.kind === 'answer' ? [action.agent.name] : [])));
  const takingOver = new Set([...plan.agents.values()].flatMap(({ handoffs = [] }) => handoffs));
  return files.flatMap((file) =>
    rawEntries(file, 'agents').flatMap(([name, agent]) => {
      if (!isMap(agent) || answering.has(name) || !takingOver.has(name)) return [];
      return ['greeting', 'limits']
        .filter((key) => key in agent)
        .map((key): PlanProblem => {
          const message = `"${key}" has no effect: no route answers with agent "${name}", which only takes calls over`;
          const problem = {
            code: problemCodes.keyUnused,
            message,
            expected: 'to be left out',
            severity: 'warning',
          } as const;
          return problemAt(file, ['agents', name, key], problem, 'key');
        });
    }),
  );
}

function whatIsForgotten(from: Agent, to: Agent | undefined): string | undefined {
  if (to === undefined) return undefined;
  const session = handoffSession(from, to);
  if (session.kind === 'same') return undefined;
  return `agent "${to.name}" gets a session of its own (${session.why}), and will not know what the caller said`;
}
