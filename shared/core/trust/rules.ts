/** Windows of bindings. Pure. */

/** Whether a validity window holds at an instant. */
export function isActive(binding: { readonly activeFrom: string; readonly activeUntil: string | null }, now: number): boolean {
  return Date.parse(binding.activeFrom) <= now && (binding.activeUntil === null || now < Date.parse(binding.activeUntil))
}

/** Whether it holds now or will later: what counts when an item is to be taken out of use. */
export function isPending(binding: { readonly activeUntil: string | null }, now: number): boolean {
  return binding.activeUntil === null || now < Date.parse(binding.activeUntil)
}
