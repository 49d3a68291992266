"""Toolkits that are written in the desk: a draft of the folder's files, its versions, approval and publishing."""
