/**
 * How many of the ones can be given a partner of their own, where `partners` lists for each the numbers of those that fit:
 * a largest matching, found by ways along which every one that is in the way moves on to another partner.
 */
export function largestMatching(partners: readonly (readonly number[])[]): number {
  const takenBy = new Map<number, number>();
  const place = (one: number, tried: Set<number>): boolean =>
    (partners[one] ?? []).some((partner) => {
      if (tried.has(partner)) return false;
      tried.add(partner);
      const owner = takenBy.get(partner);
      if (owner !== undefined && !place(owner, tried)) return false;
      takenBy.set(partner, one);
      return true;
    });
  return partners.filter((_, one) => place(one, new Set())).length;
}
