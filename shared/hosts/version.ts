/** Of package.json; kept equal by a test. */
export const VERSION = '0.1.0'

declare const WAYBILL_BUILT_AT: string | undefined

/** When this was built, ISO-8601; null where the sources themselves run. */
export const BUILT_AT: string | null = typeof WAYBILL_BUILT_AT === 'string' ? WAYBILL_BUILT_AT : null
