import { isIP } from 'node:net';
import { parseArgs } from 'node:util';

import { loadSettings, SettingsError } from '../config/settings';
import { callTimeExpected, parseCallTime } from '../dialplan/call-time';
import type { CallTime } from '../dialplan/call-time';
import { explainRoute } from '../dialplan/explain';
import type { Explanation } from '../dialplan/explain';
import { agentsAfter, handoffSession } from '../dialplan/handoff';
import type { IncomingCall } from '../dialplan/incoming-call';
import { loadPlan } from '../dialplan/load-plan';
import type { Plan, Route } from '../dialplan/plan';
import { folderReader } from '../dialplan/plan-reader';
import type { Clock } from '../runtime/clock';
import { systemClock } from '../runtime/clock';
import { messageOf } from '../runtime/errors';
import { cleanText } from '../signalling/sip-text';
import { describeLoad } from './check';
import type { CommandIo, ExitCode } from './io';

const usage = `ringbridge explain [FOLDER] --to NUMBER [--from NUMBER] [--at TIME] [--source ADDRESS] [--header "NAME: VALUE"]...

Tells which route of the dialplans in FOLDER (RINGBRIDGE_DIALPLANS, or dialplans) takes a call, why, and why not each
of the routes before it. The call is made up; nothing is sent.

  --to       the number that is dialled
  --from     the caller's number; without it the number is withheld (anonymous)
  --at       when, without it now:
               "2026-12-25 13:00"        13:00 on the wall clock, in the time zone of each schedule that is asked
               "sun 13:00"               the same on the first Sunday from today on, in the zone of each schedule
               "2026-12-25T13:00+01:00"  one moment, by its offset from UTC (Z for UTC itself)
  --source   the IP address that the call comes from: it decides the trunk
  --header   a header of the INVITE; may be repeated
  --call-id  the Call-ID: it decides the percentages of callers who withhold their number
  --json     one JSON object instead of text
  --help     this text

Exit code: 0 a route takes the call (answers, rejects or redirects it), 1 none does or the plan is not well, 2 wrong use.
`;
/** A plan may have thousands of routes; --json has them all. */
const printedRoutesMax = 50;

/** `ringbridge explain`. */
export async function runExplainCommand(
  argv: readonly string[],
  io: CommandIo,
  clock: Clock = systemClock,
): Promise<ExitCode> {
  const request = readArguments(argv, io.env, clock.wallTimeMs());
  if ('fault' in request) {
    io.stderr(`ringbridge explain: ${request.fault}\n\n${usage}`);
    return 2;
  }
  if (request.help) {
    io.stdout(usage);
    return 0;
  }
  const { folder, call, at } = request;
  const load = await loadPlan(folderReader(folder, { env: io.env }));
  if (load.kind === 'refused') {
    io.stderr(describeLoad(folder, load));
    return 1;
  }
  const explanation = explainRoute(load.plan, call, at);
  io.stdout(
    request.json
      ? `${JSON.stringify(report(request, load.plan, explanation), null, 2)}\n`
      : describe(request, load.plan, explanation),
  );
  return explanation.taken === undefined ? 1 : 0;
}

interface ExplainRequest {
  help: boolean;
  json: boolean;
  folder: string;
  call: IncomingCall;
  at: CallTime;
  /** As it was given; undefined for now. */
  atText: string | undefined;
}

class WrongUse extends Error {}

function readArguments(
  argv: readonly string[],
  env: CommandIo['env'],
  nowMs: number,
): ExplainRequest | { fault: string } {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        to: { type: 'string' },
        from: { type: 'string', default: 'anonymous' },
        at: { type: 'string' },
        source: { type: 'string', default: '' },
        header: { type: 'string', multiple: true, default: [] },
        'call-id': { type: 'string', default: '' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (positionals.length > 1) throw new WrongUse('explain takes one folder');
    if (values.to === undefined && !values.help) throw new WrongUse('give the number that is dialled with --to');
    // Only this setting: a plan can be explained where nothing else is set up.
    const settings = loadSettings({ RINGBRIDGE_DIALPLANS: env['RINGBRIDGE_DIALPLANS'] });
    const folder = (positionals[0] ?? settings.dialplans).replace(/(?<=.)\/+$/, '');
    return {
      help: values.help,
      json: values.json,
      folder,
      call: callOf({ ...values, to: values.to ?? '', sipCallId: values['call-id'] }),
      at: timeOf(values.at, nowMs),
      atText: values.at,
    };
  } catch (cause) {
    return { fault: cause instanceof SettingsError ? cause.message : messageOf(cause) };
  }
}

function callOf(values: {
  to: string;
  from: string;
  source: string;
  header: readonly string[];
  sipCallId: string;
}): IncomingCall {
  const { to, from, source, sipCallId } = values;
  for (const [option, number] of Object.entries({ '--to': to, '--from': from })) {
    // A whole address would match no route, and one would look for the reason in the plan.
    if (!/^[^\s@:]*$/.test(number)) throw new WrongUse(`${option} takes a number or user name, without sip: and host`);
  }
  if (source !== '' && isIP(source) === 0) throw new WrongUse(`--source ${JSON.stringify(source)} is no IP address`);
  const headers = new Map(values.header.map(headerOf).reverse());
  return {
    to,
    from: from === '' ? 'anonymous' : from,
    fromName: '',
    sipCallId,
    sourceAddress: source,
    header: (name) => headers.get(name.toLowerCase()),
  };
}

function headerOf(line: string): [string, string] {
  const colon = line.indexOf(':');
  if (colon < 1) throw new WrongUse(`--header ${JSON.stringify(line)} is not "NAME: VALUE"`);
  return [line.slice(0, colon).trim().toLowerCase(), cleanText(line.slice(colon + 1))];
}

function timeOf(text: string | undefined, nowMs: number): CallTime {
  if (text === undefined) return { kind: 'moment', unixMs: nowMs };
  const at = parseCallTime(text, { nowMs });
  if (at === undefined) throw new WrongUse(`--at ${JSON.stringify(text)} is not ${callTimeExpected}`);
  return at;
}

function describe({ folder, call, atText }: ExplainRequest, plan: Plan, explanation: Explanation): string {
  const { taken, passed, trunk, splits } = explanation;
  const through = trunk === undefined ? 'no trunk' : `trunk ${trunk}`;
  const lines = [
    `${folder}: plan ${plan.hash}`,
    `call from ${call.from} to ${call.to}, through ${through}, at ${atText ?? 'this moment'}`,
    '',
    ...passed.slice(0, printedRoutesMax).flatMap(({ place, name, because }) => entry(place, name, ['no', because])),
  ];
  if (passed.length > printedRoutesMax)
    lines.push(`  ... and ${passed.length - printedRoutesMax} more that do not match`);
  if (taken === undefined) lines.push('', 'no route takes the call: the caller gets 404 Not Found');
  else {
    const reasons = taken.because.length === 0 ? ['it takes every call'] : taken.because;
    const [first = '', ...others] = reasons;
    lines.push(...entry(taken.place, taken.route.name, ['yes', first], ...others.map((text) => ['', text] as const)));
    lines.push('', outcomeText(taken.route), ...handoffTexts(taken.route, plan));
  }
  if (splits.length > 0 && call.from === 'anonymous' && call.sipCallId === '') {
    lines.push('A caller who withholds the number is told apart by Call-ID: give --call-id to see a certain call.');
  }
  return [...lines, ''].join('\n');
}

function entry(place: number, name: string, ...reasons: (readonly [string, string])[]): string[] {
  return [
    `${String(place).padStart(4)}  ${name}`,
    ...reasons.map(([verdict, text]) => `      ${verdict.padEnd(3)}  ${text}`),
  ];
}

function outcomeText({ action }: Route): string {
  switch (action.kind) {
    case 'answer':
      return `agent ${action.agent.name} answers`;
    case 'reject':
      return `the call is refused with ${action.status}`;
    case 'bridge':
      return `the caller is joined with destination ${action.destination}`;
    case 'redirect':
      return `the caller is sent to ${action.contact}`;
  }
}

/** Whom the agent that answers may hand the call over to, and whether that takes a session of its own. */
function handoffTexts({ action }: Route, plan: Plan): string[] {
  return handoffsOf(action, plan).map(({ from, to, session }) => {
    const how = session.kind === 'same' ? 'in the same session' : `in a new session: another ${session.why}`;
    return `agent ${from} may hand over to ${to}, ${how}`;
  });
}

function handoffsOf(action: Route['action'], { agents }: Plan) {
  if (action.kind !== 'answer') return [];
  const others = agentsAfter(agents, action.agent).filter(({ name }) => name !== action.agent.name);
  return [action.agent, ...others].flatMap((from) =>
    (from.handoffs ?? []).flatMap((name) => {
      const to = agents.get(name);
      return to === undefined ? [] : [{ from: from.name, to: name, session: handoffSession(from, to) }];
    }),
  );
}

function report({ folder, call, at }: ExplainRequest, plan: Plan, explanation: Explanation): object {
  const { taken, passed, trunk, splits } = explanation;
  const { to, from, sipCallId, sourceAddress } = call;
  return {
    folder,
    planHash: plan.hash,
    call: { to, from, sipCallId, sourceAddress, trunk: trunk ?? null },
    at,
    route: taken === undefined ? null : { name: taken.route.name, place: taken.place, because: taken.because },
    outcome: taken === undefined ? { kind: 'no-route' } : outcomeOf(taken.route, plan),
    passed,
    splits,
  };
}

function outcomeOf({ action }: Route, plan: Plan): object {
  if (action.kind !== 'answer') return action;
  const handoffs = handoffsOf(action, plan);
  return { kind: action.kind, agent: action.agent.name, ...(handoffs.length > 0 && { handoffs }) };
}
