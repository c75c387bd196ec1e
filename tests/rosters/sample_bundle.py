"""A small bundle that keeps the standard, as text to be spoilt: two students, a teacher, two courses, three classes."""

import zipfile
from pathlib import Path

ROSTERING_1_1 = ["academicSessions", "classes", "courses", "enrollments", "orgs", "users"]
OTHERS_1_1 = ["categories", "classResources", "courseResources", "demographics", "lineItems", "resources", "results"]
OTHERS_1_2 = ["lineItemLearningObjectiveIds", "lineItemScoreScales", "resultLearningObjectiveIds", "resultScoreScales"]
OTHERS_1_2 += [*OTHERS_1_1, "scoreScales", "userProfiles", "userResources"]
FILES = {"1.1": (ROSTERING_1_1, OTHERS_1_1), "1.2": ([*ROSTERING_1_1, "roles"], OTHERS_1_2)}
"""The files of each version: those that an import reads, and the others."""

Bundle = dict[str, str]
"""The text of each file, by name, with LF between lines."""

COMMON = {
    "orgs.csv": """\
sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId
district,,,The District,district,,
school,,,The School,school,S1,district
""",
    "academicSessions.csv": """\
sourcedId,status,dateLastModified,title,type,startDate,endDate,parentSourcedId,schoolYear
year,,,2024/25,schoolYear,2024-09-01,2025-08-01,,2025
autumn,,,Autumn,term,2024-09-01,2025-02-01,year,2025
""",
    "courses.csv": """\
sourcedId,status,dateLastModified,schoolYearSourcedId,title,courseCode,grades,orgSourcedId,subjects,subjectCodes
crs-math,,,year,Mathematics,MATH,"08,09",school,,
crs-art,,,year,"Art, and how to look at it",,,school,,
""",
    "classes.csv": """\
sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,schoolSourcedId,\
termSourcedIds,subjects,subjectCodes,periods
cls-math-1,,,Mathematics 1,,crs-math,M1,scheduled,,school,"autumn,year",,,
cls-math-2,,,Mathematics 2,,crs-math,M2,scheduled,,school,autumn,,,
cls-art,,,Art,,crs-art,A,homeroom,,school,autumn,,,
""",
    "enrollments.csv": """\
sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate
enr-1,,,cls-math-1,school,usr-ada,student,,2024-09-03,
enr-2,,,cls-math-2,school,usr-ada,student,,2024-09-02,2025-01-31
enr-3,,,cls-math-1,school,usr-jozsef,student,,,
enr-4,,,cls-art,school,usr-jozsef,student,,2024-10-01,
enr-5,,,cls-math-1,school,usr-eve,teacher,true,2024-09-01,
""",
}

USERS_1_1 = """\
sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,middleName,\
identifier,email,sms,phone,agentSourcedIds,grades,password
usr-ada,,,true,school,student,ada,,Ada,Lovelace,King,,ada@example.org,,,,08,secret
usr-jozsef,,,true,"school,district",student,jozsef,{LDAP:j},József,Árvíz,,,,,,usr-eve,,
usr-eve,,,false,school,teacher,eve,,Eve,Teacher,,,eve@example.org,,,,,
"""

USERS_1_2 = """\
sourcedId,status,dateLastModified,enabledUser,username,userIds,givenName,familyName,middleName,identifier,email,sms,\
phone,agentSourcedIds,grades,password,userMasterIdentifier,resourceSourcedIds,preferredGivenName,preferredMiddleName,\
preferredFamilyName,primaryOrgSourcedId,pronouns
usr-ada,,,true,ada,,Ada,Lovelace,King,,ada@example.org,,,,08,secret,,,,,,school,she/her
usr-jozsef,,,true,jozsef,{LDAP:j},József,Árvíz,,,,,,usr-eve,,,,,,,,,
usr-eve,,,false,eve,,Eve,Teacher,,,eve@example.org,,,,,,,,,,,school,
"""

ROLES = """\
sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,userProfileSourcedId
rol-ada,,,usr-ada,primary,student,,,school,
rol-jozsef,,,usr-jozsef,primary,student,2024-09-01,2025-08-01,school,
rol-eve,,,usr-eve,primary,teacher,,,school,
"""


def sample(version: str = "1.2") -> Bundle:
    """The bundle in this version of the standard."""
    files = dict(COMMON)
    files["manifest.csv"] = manifest(version)
    files["users.csv"] = USERS_1_1 if version == "1.1" else USERS_1_2
    if version == "1.2":
        files["roles.csv"] = ROLES
    return files


def manifest(version: str = "1.2", **modes: str) -> str:
    """A manifest that lists the rostering files as bulk; `modes` says otherwise, e.g. `users="delta"`."""
    rostering, others = FILES[version]
    listed = dict.fromkeys(rostering, "bulk") | dict.fromkeys(others, "absent") | modes
    lines = ["propertyName,value", "manifest.version,1.0", f"oneroster.version,{version}"]
    return "\n".join(
        [*lines, *(f"file.{name},{mode}" for name, mode in listed.items()), "source.systemName,Sample", ""]
    )


def replaced(bundle: Bundle, file: str, old: str, new: str) -> Bundle:
    """The bundle with a text in one of its files replaced, which must be there exactly once."""
    assert bundle[file].count(old) == 1, f"{old!r} is in {file} {bundle[file].count(old)} times"
    return {**bundle, file: bundle[file].replace(old, new)}


def appended(bundle: Bundle, file: str, *lines: str) -> Bundle:
    """The bundle with lines at the end of one of its files."""
    return {**bundle, file: bundle[file] + "".join(f"{line}\n" for line in lines)}


def written(bundle: Bundle, folder: Path) -> Path:
    """The bundle in a folder, with the line ends that RFC 4180 wants."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in bundle.items():
        (folder / name).write_bytes(_bytes(text))
    return folder


def zipped(bundle: Bundle, file: Path, *, prefix: str = "") -> Path:
    """The bundle in an archive; `prefix` is put before all names."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in bundle.items():
            archive.writestr(prefix + name, _bytes(text))
    return file


def _bytes(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()
