import { nearestWord } from '../runtime/nearest-word';
import { toolKinds } from '../tools/tool-schema';
import { apiRefusals } from './api-refusals';
import { isVariable, variableNames, variablesIn } from './call-variables';
import { contradictions } from './contradictions';
import { numberForm, userPrefix } from './destination-schema';
import { literalSecrets, secretExpected } from './literal-secrets';
import { agentNoEffects, destinationNoEffects, routeNoEffects } from './no-effects';
import type { NoEffect } from './no-effects';
import { keyName, valueAt, visit } from './plan-path';
import type { PlanPath } from './plan-path';
import { problemCodes, problemsPerFileMax } from './plan-problem';
import type { PlanProblem, ProblemCode } from './plan-problem';
import { isMap, type RawMap } from './raw-map';
import { routeExits } from './route-schema';
import { toolProblems } from './tool-checks';
import { unbuiltUses } from './unbuilt-keys';
import type { YamlDocument } from './yaml-document';

/** What the shape of a file does not say: which keys go together, secrets, variables, and what is not built yet. */
export function fileChecks(file: string, document: YamlDocument): PlanProblem[] {
  const checks = new FileChecks(file, document);
  checks.routes();
  checks.tools();
  checks.agents();
  checks.destinations();
  checks.secrets();
  checks.variables();
  checks.unbuilt();
  return checks.found;
}

const instructionsPrefix = 'file:';
const variableHomes: readonly PlanPath[] = [
  ['agents', '*', 'instructions'],
  ['agents', '*', 'prompt', 'variables', '*'],
  ['agents', '*', 'idle', 'check_in'],
  ['agents', '*', 'idle', 'goodbye'],
  ['destinations', '*', 'headers', '*'],
  ['tools', '*', 'http', 'headers', '*'],
];
/** Texts in which someone may expect a variable to work. */
const variableStrangers: readonly PlanPath[] = [
  ['agents', '*', 'greeting'],
  ['agents', '*', 'transcription', 'prompt'],
  ['tools', '*', 'while_waiting'],
  ['tools', '*', 'while_waiting', 'say'],
  ['tools', '*', 'mcp', 'url'],
];

/** What a text's variables are told to be. */
export const variablesExpected = `one of ${variableNames.join(', ')}, header.NAME`;

class FileChecks {
  readonly found: PlanProblem[] = [];
  readonly #file: string;
  readonly #document: YamlDocument;

  constructor(file: string, document: YamlDocument) {
    this.#file = file;
    this.#document = document;
  }

  routes(): void {
    this.#maps(['routes', '*'], (route, path) => {
      const exits = routeExits.filter((exit) => exit in route);
      if (exits.length !== 1) {
        const isMisspelt = Object.keys(route).some((key) => nearestWord(key, routeExits) !== undefined);
        if (exits.length === 0 && isMisspelt) return;
        const message = exits.length === 0 ? 'a route without an exit' : `a route with ${exits.join(' and ')}`;
        this.#add(problemCodes.oneOfSeveral, path, message, `exactly one of ${routeExits.join(', ')}`);
      } else if (exits[0] !== 'answer') {
        const keys = exits[0] === 'bridge' ? ['guarantees', 'unavailable'] : ['limits', 'guarantees', 'unavailable'];
        for (const key of keys.filter((one) => one in route)) {
          const message = `"${key}" has no effect on a route with ${exits[0]}`;
          this.#add(problemCodes.noEffect, [...path, key], message, 'to be left out', { at: 'key' });
        }
        this.#noEffects(path, routeNoEffects(route));
      }
    });
  }

  tools(): void {
    this.#maps(['tools', '*'], (tool, path) => {
      const kinds = toolKinds.filter((kind) => kind in tool);
      for (const { path: inner, code, message, expected, nearest, at } of toolProblems(tool)) {
        this.#add(code, [...path, ...inner], message, expected, { at, nearest });
      }
      if (kinds.length === 1) return;
      const message = kinds.length === 0 ? 'a tool that does nothing' : `a tool with ${kinds.join(' and ')}`;
      this.#add(problemCodes.oneOfSeveral, path, message, `exactly one of ${toolKinds.join(', ')}`, { at: 'key' });
    });
  }

  agents(): void {
    this.#maps(['agents', '*'], (agent, path) => {
      const sources = ['instructions', 'prompt'].filter((key) => key in agent);
      if (sources.length === 2) {
        const message = '"instructions" and "prompt" together';
        this.#add(problemCodes.oneOfSeveral, [...path, 'prompt'], message, 'one of the two', { at: 'key' });
      } else if (sources.length === 0) {
        const isMisspelt = Object.keys(agent).some((key) => nearestWord(key, ['instructions', 'prompt']) !== undefined);
        if (isMisspelt) return;
        const message = `missing key "instructions" in agent "${keyName(path)}"`;
        this.#add(problemCodes.missingKey, path, message, 'what the agent is and does, or a hosted prompt');
      }
      for (const { path: inner, message, expected, nearest } of apiRefusals(agent)) {
        this.#add(problemCodes.apiRefuses, [...path, ...inner], message, expected, { nearest });
      }
      for (const { path: inner, message, expected } of contradictions(agent)) {
        this.#add(problemCodes.contradiction, [...path, ...inner], message, expected);
      }
      this.#noEffects(path, agentNoEffects(agent));
    });
  }

  destinations(): void {
    this.#maps(['destinations', '*'], (destination, path) => {
      const { to, method } = destination;
      this.#noEffects(path, destinationNoEffects(destination));
      if (typeof to === 'string' && to.startsWith(userPrefix) && method === 'refer') {
        const message = "the caller's side cannot call the phones of our users, which are known here alone";
        this.#add(problemCodes.contradiction, [...path, 'method'], message, 'bridge');
      }
      if (typeof to !== 'string' || !numberForm.test(to) || 'trunk' in destination) return;
      const message = `a number without a trunk to dial it through: "${to}"`;
      this.#add(problemCodes.numberWithoutTrunk, [...path, 'to'], message, 'a trunk beside it, or a SIP address');
    });
  }

  secrets(): void {
    for (const path of literalSecrets(this.#document.root)) {
      const message = `a secret stands in the plan, in "${keyName(path)}"`;
      this.#add(problemCodes.literalSecret, path, message, secretExpected);
    }
  }

  variables(): void {
    for (const home of variableHomes) {
      visit(this.#document.root, home, (value, path) => {
        if (this.found.length >= problemsPerFileMax) return;
        if (typeof value !== 'string' || (path.length < 5 && value.startsWith(instructionsPrefix))) return;
        for (const problem of variableProblems(value)) {
          const position = this.#document.locateWithin(path, problem.text);
          this.found.push({ ...problem.problem, severity: 'error', file: this.#file, position });
        }
      });
    }
    for (const stranger of variableStrangers) {
      visit(this.#document.root, stranger, (value, path) => {
        if (typeof value !== 'string' || !value.includes('{{')) return;
        const message = `a variable cannot stand in "${keyName(path)}"`;
        this.#add(problemCodes.misplacedVariable, path, message, 'text without {{');
      });
    }
  }

  unbuilt(): void {
    for (const { path, at, value, expected } of unbuiltUses(this.#document.root)) {
      const message = at === 'key' ? `"${String(path.at(-1))}"` : `${JSON.stringify(value)} for "${keyName(path)}"`;
      this.#add(problemCodes.notBuilt, path, `${message} is not built yet`, expected, { at });
    }
  }

  #noEffects(path: PlanPath, found: readonly NoEffect[]): void {
    for (const { path: inner, why } of found) {
      const message = `"${String(inner.at(-1))}" has no effect: ${why}`;
      this.#add(problemCodes.noEffect, [...path, ...inner], message, 'to be left out', { at: 'key' });
    }
  }

  #maps(pattern: PlanPath, check: (map: RawMap, path: PlanPath) => void): void {
    visit(this.#document.root, pattern, (value, path) => {
      if (isMap(value)) check(value, path);
    });
  }

  #add(
    code: ProblemCode,
    path: PlanPath,
    message: string,
    expected: string,
    { at = 'value', nearest }: { at?: 'key' | 'value' | undefined; nearest?: string | undefined } = {},
  ): void {
    if (this.found.length >= problemsPerFileMax) return;
    const exists = valueAt(this.#document.root, path) !== undefined;
    const position = this.#document.locate(path, exists ? at : 'value');
    this.found.push({ code, severity: 'error', file: this.#file, position, message, expected, nearest });
  }
}

/** Variables of a text that no call has, and braces that hold none. */
export function variableProblems(
  text: string,
): { text: string; offset: number; problem: Pick<PlanProblem, 'code' | 'message' | 'expected' | 'nearest'> }[] {
  const unknown = variablesIn(text).filter(({ name }) => name === undefined || !isVariable(name));
  return unknown.slice(0, problemsPerFileMax).map(({ text: use, offset, name }) => {
    const problem = {
      code: problemCodes.unknownVariable,
      message: name === undefined ? `"${use}" is no variable` : `there is no variable "${name}"`,
      expected: variablesExpected,
      nearest: name === undefined ? undefined : nearestWord(name, variableNames),
    };
    return { text: use, offset, problem };
  });
}
