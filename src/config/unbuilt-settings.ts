import type { Settings } from './settings';

/** Settings that ask for something this release cannot do, one line each: the start fails rather than ignore them. */
export function unbuiltSettings(settings: Settings): string[] {
  const lines: string[] = [];
  if ((settings.drachtio?.length ?? 0) > 1) {
    lines.push('RINGBRIDGE_DRACHTIO: more than one drachtio-server is not built yet; name one');
  }
  const unbuilt: [unknown, string][] = [
    [
      settings.drachtioListen,
      'RINGBRIDGE_DRACHTIO_LISTEN: outbound connections are not built yet; use RINGBRIDGE_DRACHTIO',
    ],
  ];
  return [...lines, ...unbuilt.filter(([value]) => value !== undefined).map(([, line]) => line)];
}
