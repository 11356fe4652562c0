/** What FreeSWITCH says of itself (`api status`). */
export interface FreeswitchStatus {
  /** It takes sessions: false while it shuts down and after `fsctl pause`. */
  ready: boolean;
  sessions: number;
  sessionsMax: number;
}

/** Throws when it is not what `status` prints: a server that we do not understand gets no calls. */
export function readStatus(text: string): FreeswitchStatus {
  const sessions = /^(\d+) session\(s\) - peak/m.exec(text)?.[1];
  const sessionsMax = /^(\d+) session\(s\) max/m.exec(text)?.[1];
  if (sessions === undefined || sessionsMax === undefined) throw new Error('FreeSWITCH printed no status');
  return {
    ready: /^FreeSWITCH .* is ready *$/m.test(text),
    sessions: Number(sessions),
    sessionsMax: Number(sessionsMax),
  };
}

export interface FreeswitchChannel {
  uuid: string;
  /** The caller's number of its INVITE: who made it. */
  owner: string;
}

/** Reads `show channels as json`. What cannot be read is left alone: nobody's channel is hung up by mistake. */
export function readChannels(text: string): FreeswitchChannel[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return [];
  }
  const rows = typeof parsed === 'object' && parsed !== null && 'rows' in parsed ? parsed.rows : undefined;
  if (!Array.isArray(rows)) return [];
  return rows.flatMap((row: unknown) => {
    if (typeof row !== 'object' || row === null || !('uuid' in row) || !('cid_num' in row)) return [];
    const { uuid, cid_num: owner } = row;
    return typeof uuid === 'string' && typeof owner === 'string' ? [{ uuid, owner }] : [];
  });
}
