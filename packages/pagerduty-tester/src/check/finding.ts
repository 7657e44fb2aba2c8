/** Something the pre-flight found. An error means that a test cannot work as it is. */
export interface CheckFinding {
  severity: "error" | "warning" | "ok";
  /** What was looked at: a person, a service, the account. */
  subject: string;
  message: string;
}

export const error = (subject: string, message: string): CheckFinding => ({
  severity: "error",
  subject,
  message,
});
export const warning = (subject: string, message: string): CheckFinding => ({
  severity: "warning",
  subject,
  message,
});
export const ok = (subject: string, message: string): CheckFinding => ({
  severity: "ok",
  subject,
  message,
});
