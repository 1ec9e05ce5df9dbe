import type { Column } from './fit.ts';

// The columns that several tables have, so that they look alike.

export const imageColumn: Column = { header: 'IMAGE', always: true, cut: 'left' };
export const engineColumn: Column = { header: 'ENGINE' };
export const digestColumn: Column = { header: 'DIGEST', wide: true };
export const idColumn: Column = { header: 'ID', wide: true };
export const sizeColumn: Column = { header: 'SIZE' };
export const stateColumn: Column = { header: 'STATE', always: true };
/** The column of remarks, which has no header. */
export const remarkColumn: Column = { header: '', cut: 'right', below: true };
