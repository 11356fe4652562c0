import type { Settings } from './settings';

/** Settings that ask for something this release cannot do, one line each: the start fails rather than ignore them. */
export function unbuiltSettings(settings: Settings): string[] {
  const unbuilt: [unknown, string][] = [
    [settings.freeswitch, 'RINGBRIDGE_FREESWITCH: media through FreeSWITCH is not built yet; unset it'],
    [settings.freeswitchSecret, 'RINGBRIDGE_FREESWITCH_SECRET: media through FreeSWITCH is not built yet; unset it'],
    [settings.freeswitchListen, 'RINGBRIDGE_FREESWITCH_LISTEN: media through FreeSWITCH is not built yet; unset it'],
    [
      settings.freeswitchAdvertise,
      'RINGBRIDGE_FREESWITCH_ADVERTISE: media through FreeSWITCH is not built yet; unset it',
    ],
  ];
  return unbuilt.filter(([value]) => value !== undefined).map(([, line]) => line);
}
