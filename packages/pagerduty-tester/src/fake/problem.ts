/** An error answer in PagerDuty's form. */
export class Problem extends Error {
  readonly status: number;
  readonly body: { error: { message: string; code: number; errors?: string[] } };

  constructor(status: number, code: number, message: string, errors?: string[]) {
    super(message);
    this.status = status;
    this.body = { error: { message, code, ...(errors === undefined ? {} : { errors }) } };
  }
}

export const notFound = (): Problem => new Problem(404, 2100, "Not Found");

export const invalid = (...errors: string[]): Problem =>
  new Problem(400, 2001, "Invalid Input Provided", errors);

export const badArguments = (...errors: string[]): Problem =>
  new Problem(400, 2002, "Arguments Caused Error", errors);
