import type { CallTimeline } from './timeline';

/** The timeline for a person to read, line by line in the order of time. */
export function reportOf(timeline: CallTimeline): string {
  const { ringingAfterMs, answeredAfterMs, firstAudioAfterMs, durationMs } = timeline;
  const lines: string[] = [];
  if (ringingAfterMs !== undefined) lines.push(`rang after        ${ms(ringingAfterMs)}`);
  if (answeredAfterMs === undefined) {
    lines.push(`not answered      ${timeline.why ?? ''}`.trimEnd());
    return `${lines.join('\n')}\n`;
  }
  lines.push(`answered after    ${ms(answeredAfterMs)}`);
  lines.push(
    `first sound       ${firstAudioAfterMs === undefined ? 'never' : `${ms(firstAudioAfterMs)} after the answer`}`,
  );
  if (timeline.digits.length > 0) lines.push(`keys heard        ${timeline.digits.join(' ')}`);
  lines.push('', ...conversation(timeline), '');
  const by = timeline.endedBy === undefined ? '' : `, ended by the ${timeline.endedBy}`;
  const why = timeline.why === undefined ? '' : ` (${timeline.why})`;
  lines.push(durationMs === undefined ? 'still talking' : `lasted            ${ms(durationMs)}${by}${why}`);
  if (timeline.recordingCut) lines.push('the recording is shorter than the call');
  return `${lines.join('\n')}\n`;
}

function conversation({ callerTurns, agentTurns, interruptions }: CallTimeline): string[] {
  const spoken = [
    ...callerTurns.map((turn) => ({ ...turn, who: 'caller' })),
    ...agentTurns.map((turn) => ({ ...turn, who: 'agent ' })),
  ].sort((one, other) => one.startMs - other.startMs);
  return spoken.map(({ who, startMs, endMs }) => {
    const barged = who === 'caller' ? interruptions.find(({ atMs }) => atMs === startMs) : undefined;
    return `  ${seconds(startMs)} to ${seconds(endMs)}  ${who}${barged === undefined ? '' : note(barged.agentSilentAfterMs)}`;
  });
}

function note(agentSilentAfterMs: number | undefined): string {
  if (agentSilentAfterMs === undefined) return '  interrupts; the agent speaks on';
  return `  interrupts; agent silent after ${ms(agentSilentAfterMs)}`;
}

function seconds(timeMs: number): string {
  return `${(timeMs / 1_000).toFixed(2).padStart(7)} s`;
}

function ms(durationMs: number): string {
  return `${Math.round(durationMs)} ms`;
}
