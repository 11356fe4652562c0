/**
 * What can be wrong with a dialplan. Codes are stable: scripts and editors may rely on them. 0 reading, 1 YAML,
 * 2 shape, 3 what refers to what, 4 not built yet, 9 warnings.
 */
export const problemCodes = {
  folderUnreadable: 'DP001',
  noFiles: 'DP002',
  fileUnreadable: 'DP003',
  fileTooLarge: 'DP004',
  notText: 'DP005',
  tooManyFiles: 'DP006',
  loaderFailed: 'DP007',
  keptPlanChanged: 'DP008',
  planUnusable: 'DP009',
  syntax: 'DP101',
  tooDeep: 'DP102',
  tooManyAliases: 'DP103',
  tag: 'DP104',
  duplicateKey: 'DP105',
  reservedKey: 'DP106',
  directive: 'DP107',
  tooMuch: 'DP108',
  tooManyProblems: 'DP109',
  unknownKey: 'DP201',
  missingKey: 'DP202',
  wrongKind: 'DP203',
  unknownWord: 'DP204',
  outOfRange: 'DP205',
  badForm: 'DP206',
  oneOfSeveral: 'DP207',
  noEffect: 'DP208',
  literalSecret: 'DP209',
  apiRefuses: 'DP210',
  numberWithoutTrunk: 'DP211',
  contradiction: 'DP212',
  unknownAgent: 'DP301',
  nameTwice: 'DP302',
  routeTwice: 'DP303',
  instructionsFile: 'DP304',
  noRoutes: 'DP305',
  unknownSchedule: 'DP306',
  unknownDestination: 'DP307',
  unknownTrunk: 'DP308',
  unknownTool: 'DP309',
  destinationCycle: 'DP310',
  calendarFile: 'DP311',
  unknownVariable: 'DP312',
  misplacedVariable: 'DP313',
  redirectNeedsAddress: 'DP314',
  unknownArgument: 'DP315',
  unsafeAddress: 'DP316',
  moduleFile: 'DP317',
  recordingFile: 'DP318',
  secretVariable: 'DP320',
  secretFile: 'DP321',
  unknownUser: 'DP322',
  trunkUnknowable: 'DP323',
  accountTwice: 'DP324',
  handoffImpossible: 'DP325',
  notBuilt: 'DP401',
  agentUnreached: 'DP901',
  routeUnreached: 'DP902',
  fileIgnored: 'DP903',
  toolUnused: 'DP904',
  scheduleNeverOpens: 'DP905',
  scheduleUnused: 'DP906',
  destinationUnused: 'DP907',
  trunkUnused: 'DP908',
  handoffForgets: 'DP909',
  keyUnused: 'DP910',
} as const;
export type ProblemCode = (typeof problemCodes)[keyof typeof problemCodes];

/** Problems told of one file: nobody reads more, and finding the place of each takes time. */
export const problemsPerFileMax = 100;

/** Where in a file, counted from 1; columns in UTF-16 units, as editors count. */
export interface PlanPosition {
  readonly line: number;
  readonly column: number;
  /** The line itself, cut to a printable length, control characters as spaces. */
  readonly text: string;
}

export interface PlanProblem {
  readonly code: ProblemCode;
  /** A warning does not stop a plan. */
  readonly severity: 'error' | 'warning';
  /** Name within the dialplan folder; empty for the folder itself. */
  readonly file: string;
  readonly position: PlanPosition | undefined;
  readonly message: string;
  readonly expected: string | undefined;
  /** The valid word that was most likely meant. */
  readonly nearest: string | undefined;
}

/** Several lines for a person, without a newline at the end. */
export function formatProblem(problem: PlanProblem, { folder }: { folder: string }): string {
  const { position, expected, nearest } = problem;
  const path = problem.file === '' ? folder : `${folder}/${problem.file}`;
  const place = position === undefined ? path : `${path}:${position.line}:${position.column}`;
  const lines = [`${place}: ${problem.severity} ${problem.code}: ${problem.message}`];
  if (position !== undefined) {
    const margin = String(position.line).length;
    lines.push(`  ${position.line} | ${position.text}`);
    if (position.column <= position.text.length + 1) {
      lines.push(`  ${' '.repeat(margin)} | ${' '.repeat(position.column - 1)}^`);
    }
  }
  if (expected !== undefined) lines.push(`  expected: ${expected}`);
  if (nearest !== undefined) lines.push(`  did you mean: ${nearest}`);
  // The file may hold what a terminal would obey.
  return lines.map((line) => line.replace(/\p{Cc}/gu, ' ')).join('\n');
}

/** As `ringbridge check` prints them, a blank line between two, a newline at the end. */
export function formatProblems(
  problems: readonly PlanProblem[],
  { folder, printedMax }: { folder: string; printedMax: number },
): string {
  const blocks = problems.slice(0, printedMax).map((problem) => `${formatProblem(problem, { folder })}\n`);
  if (problems.length > printedMax) blocks.push(`... and ${problems.length - printedMax} more\n`);
  return blocks.join('\n');
}
