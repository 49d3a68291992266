"""The rights of people over their data: correction, access, restriction, erasure, and complaints."""
