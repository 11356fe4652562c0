/** The tools that every plan may name without defining them. */
export const builtInTools = ['hang_up'] as const;
export type BuiltInTool = (typeof builtInTools)[number];
